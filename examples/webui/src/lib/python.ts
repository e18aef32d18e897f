import { loadPyodide, type PyodideInterface } from 'pyodide';

let loading: Promise<PyodideInterface> | undefined;

/** Loads Pyodide on first use; a load that failed is tried again at the next call. */
function pyodide(): Promise<PyodideInterface> {
	loading ??= loadPyodide({ indexURL: '/pyodide/' }).catch((error: unknown) => {
		loading = undefined;
		throw error;
	});
	return loading;
}

/** Runs `code`, hands each line that it prints to `onLine`, and returns the value of its last expression as Python writes it. */
export async function runPython(code: string, onLine: (line: string) => void): Promise<string | undefined> {
	const runtime = await pyodide();
	runtime.setStdout({ batched: onLine });
	runtime.setStderr({ batched: onLine });
	const result: unknown = await runtime.runPythonAsync(code);
	if (result === undefined) {
		return undefined;
	}
	const repr = runtime.globals.get('repr');
	try {
		return String(repr(result));
	} finally {
		repr.destroy();
		if (result instanceof runtime.ffi.PyProxy) {
			result.destroy();
		}
	}
}

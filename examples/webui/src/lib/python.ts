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

/** Loads the packages that `code` imports. Pyodide's loader tells what failed and then goes on: here that is an error. */
async function loadImports(runtime: PyodideInterface, code: string): Promise<void> {
	const failures: string[] = [];
	await runtime.loadPackagesFromImports(code, {
		messageCallback: () => {},
		errorCallback: (message) => failures.push(message)
	});
	if (failures.length > 0) {
		throw new Error(failures.join('\n'));
	}
}

/** Runs `code`, hands each line that it prints to `onLine`, and returns the value of its last expression as Python writes it. */
export async function runPython(code: string, onLine: (line: string) => void): Promise<string | undefined> {
	const runtime = await pyodide();
	await loadImports(runtime, code);
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

/** `code` as black formats it. */
export async function formatPython(code: string): Promise<string> {
	const runtime = await pyodide();
	await loadImports(runtime, 'import black');
	const format = runtime.runPython('import black\nlambda code: black.format_str(code, mode=black.Mode())');
	try {
		return String(format(code));
	} finally {
		format.destroy();
	}
}

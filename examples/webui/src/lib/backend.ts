/** The version that the backend was built as. */
export async function backendVersion(): Promise<string> {
	const response = await fetch('/api/version');
	if (!response.ok) {
		throw new Error(`/api/version answered ${response.status}`);
	}
	const body: { version: string } = await response.json();
	return body.version;
}

import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

export default defineConfig({
	plugins: [svelte()],
	// Pyodide's runtime files stand in static/pyodide and are served as they are, from /pyodide/.
	publicDir: 'static',
	define: {
		APP_BUILD_HASH: JSON.stringify(process.env.BUILD_HASH ?? 'development')
	},
	server: {
		proxy: { '/api': 'http://127.0.0.1:8080' }
	}
});

import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';
import { version } from './svelte.config.js';

export default defineConfig({
	plugins: [svelte()],
	// Pyodide's runtime files stand in static/pyodide and are served as they are, from /pyodide/.
	publicDir: 'static',
	define: {
		APP_BUILD_HASH: JSON.stringify(version())
	},
	server: {
		proxy: { '/api': 'http://127.0.0.1:8080' }
	}
});

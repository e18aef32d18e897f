/** What the build was stamped with: `BUILD_HASH`, or what svelte.config.js takes in its place. Vite puts it in. */
declare const APP_BUILD_HASH: string;

/** What the build was started with as `BUILD_HASH`; Vite puts it in. */
declare const APP_BUILD_HASH: string;

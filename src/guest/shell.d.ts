/** A script as text: esbuild's text loader and Vite's `?raw` both give it. */
declare module '*.sh?raw' {
  const text: string;
  export default text;
}

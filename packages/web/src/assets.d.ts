// What esbuild turns into something else.
declare module '*.css';

/** Address of a worker's bundle. */
declare module '*?worker' {
  const url: string;
  export default url;
}

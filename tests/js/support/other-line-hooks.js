// Hooks for the loading of modules: puts the line that LUA_LINE names in front of the others in the loader's list.

const LOADER = new URL('../../../web/loader.js', import.meta.url).href;
const LINES = /(?<=LUA_LINES = Object\.freeze\()\[[^\]]*\]/;

export async function load(url, context, next) {
  const loaded = await next(url, context);
  if (url !== LOADER) return loaded;
  const line = `'${process.env.LUA_LINE}'`;
  const source = String(loaded.source).replace(LINES, (lines) => {
    if (!lines.includes(line)) throw new Error(`LUA_LINE is ${line}, and there is ${lines}`);
    return `[${line}, ${lines.slice(1, -1).split(', ').filter((other) => other !== line).join(', ')}]`;
  });
  return { ...loaded, source };
}

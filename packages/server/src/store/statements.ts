/**
 * Splits a SQL file into its statements. One statement a message is what lets the same file run on Citus, and what
 * lets an error name the statement it happened in. Knows comments, quotes and dollar quotes; the files are our own.
 */
export function statements(sql: string): string[] {
  const found: string[] = [];
  let start = 0;
  for (const token of sql.matchAll(TOKEN)) {
    if (token[0] !== ';') continue;
    push(found, sql.slice(start, token.index));
    start = token.index + 1;
  }
  push(found, sql.slice(start));
  return found;
}

// Line comment, block comment, string, quoted name, dollar quote (with its own tag), or the semicolon that counts.
const TOKEN = /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"(?:[^"]|"")*"|(\$[A-Za-z_]*\$)[\s\S]*?\1|;/g;

function push(found: string[], text: string): void {
  const bare = text.replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, '').trim();
  if (bare !== '') found.push(text.trim());
}

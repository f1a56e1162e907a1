// Comma-separated values as RFC 4180 has them, first line the names of the columns.

/**
 * Rows by column name. A line that begins with `#` before the header is a remark.
 *
 * @throws Error with the line that has too many or too few fields, or a quotation mark that is not closed.
 */
export function parseCsv(text: string): Record<string, string>[] {
  const body = text.replace(/^\uFEFF/, '').replace(/^(?:#[^\n]*\n|\s*\n)+/, '');
  const lines: string[][] = [[]];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;
  while (field.lastIndex < body.length) {
    const at = field.lastIndex;
    const [, quoted, plain, end] = field.exec(body) ?? [];
    if (end === undefined)
      throw new Error(
        `Line ${lines.length + 1}: a quotation mark is not closed, or stands inside a field (at "${body.slice(at, at + 20)}").`,
      );
    lines.at(-1)?.push(quoted === undefined ? (plain ?? '') : quoted.replaceAll('""', '"'));
    if (end === ',' && field.lastIndex === body.length) lines.at(-1)?.push('');
    if (end !== ',' && field.lastIndex < body.length) lines.push([]);
  }
  const [names = [], ...rows] = lines.filter((line) => line.length > 1 || (line[0] ?? '') !== '');
  return rows.map((row, n) => {
    if (row.length !== names.length)
      throw new Error(`Row ${n + 1} has ${row.length} fields, the header ${names.length}.`);
    return Object.fromEntries(names.map((name, i) => [name.trim(), row[i] as string]));
  });
}

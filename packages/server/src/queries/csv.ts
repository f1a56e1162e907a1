// Comma-separated values as RFC 4180 has them, first line the names of the columns.

/** A row by column name, and the line of the file it begins in. */
export interface CsvRow {
  line: number;
  fields: Record<string, string>;
}

/**
 * Rows by column name. A line that begins with `#` before the header is a remark.
 *
 * @throws Error with the line that has too many or too few fields, or a quotation mark that is not closed.
 */
export function csvRows(text: string): CsvRow[] {
  const [head = ''] = /^\uFEFF?(?:#[^\n]*\n|\s*\n)*/.exec(text) ?? [];
  const body = text.slice(head.length);
  const lines: { line: number; fields: string[] }[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;
  let line = newlines(head) + 1;
  let row: (typeof lines)[number] | undefined;
  while (field.lastIndex < body.length) {
    const at = field.lastIndex;
    const [whole = '', quoted, plain, end] = field.exec(body) ?? [];
    if (end === undefined)
      throw new Error(
        `Line ${line}: a quotation mark is not closed, or stands inside a field (at "${body.slice(at, at + 20)}").`,
      );
    if (!row) {
      row = { line, fields: [] };
      lines.push(row);
    }
    row.fields.push(quoted === undefined ? (plain ?? '') : quoted.replaceAll('""', '"'));
    line += newlines(whole);
    if (end === ',' && field.lastIndex === body.length) row.fields.push('');
    if (end !== ',') row = undefined;
  }
  const [header, ...rows] = lines.filter(({ fields }) => fields.length > 1 || (fields[0] ?? '') !== '');
  const names = header?.fields ?? [];
  return rows.map(({ line: at, fields }) => {
    if (fields.length !== names.length)
      throw new Error(`Line ${at} has ${fields.length} fields, the header ${names.length}.`);
    return { line: at, fields: Object.fromEntries(names.map((name, i) => [name.trim(), fields[i] as string])) };
  });
}

/** The same without the lines. */
export function parseCsv(text: string): Record<string, string>[] {
  return csvRows(text).map(({ fields }) => fields);
}

function newlines(text: string): number {
  return text.split('\n').length - 1;
}

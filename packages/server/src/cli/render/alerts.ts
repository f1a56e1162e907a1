// Alerts as a person who was woken reads them.
import type { Row } from '../../store/values.ts';
import type { Renderer } from './cells.ts';
import { ago } from './format.ts';
import { clean, type Terminal, wrap } from './terminal.ts';

const STYLES: Record<string, 'red' | 'yellow' | 'green'> = { firing: 'red', silenced: 'yellow', resolved: 'green' };

export const ALERTS: Record<string, Renderer> = {
  alerts: {
    lines: (rows, terminal) =>
      rows.length === 0
        ? [
            `${terminal.paint('green', '✔')} No rule has found anything in this time. \`beacon alert-rules\` lists the rules.`,
          ]
        : rows.flatMap((row, i) => [...(i > 0 ? [''] : []), ...paragraph(row, terminal)]),
  },
};

function paragraph(row: Row, terminal: Terminal): string[] {
  const over = row.resolved_at ? `, over ${ago(row.resolved_at)}` : '';
  const sent =
    Number(row.deliveries) === 0 ? 'sent to no one' : `acknowledged ${row.acknowledged} of ${row.deliveries}`;
  return [
    [
      terminal.paint(['bold', STYLES[String(row.state)] ?? 'red'], clean(row.state)),
      `since ${ago(row.began_at)}${over}, ${sent}`,
      terminal.paint('dim', clean(row.severity)),
    ].join('  '),
    ...wrap(clean(row.summary), terminal.width, '  '),
    ...(row.cause ? wrap(`→ ${clean(row.cause)}`, terminal.width, '  ') : []),
    ...(row.last_error ? wrap(`not sent: ${clean(row.last_error)}`, terminal.width, '  ') : []),
    ...(row.link ? [terminal.paint('dim', `  ${clean(row.link)}`)] : []),
  ];
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PackedTrace, unpack } from '../../src/trace/wire.ts';
import { columnsOf } from './picture.ts';

test('a packed trace is unpacked to a value a row in every column', () => {
  const wire = columnsOf(`
    app run     |==========x| kind=server error=timeout critical
      db query  | ====      | kind=client
        db wait |  ==       | note="clock corrected"
      app retry |      ====>| critical note="clock corrected"
        app try |      ==   | note="clock corrected"
    app stray   |  =        |
  `);
  const { columns } = wire;
  const runs = (column: number[]) =>
    column.flatMap((value, row) => (value === (column[row - 1] ?? -1) ? [] : [row, value]));
  const packed: PackedTrace = {
    ...wire,
    columns: {
      service: columns.service,
      name: columns.name,
      start_us: columns.start_us,
      duration_us: columns.duration_us,
      self_us: columns.self_us.flatMap((self, row) => (self === columns.duration_us[row] ? [] : [row, self])),
      id: columns.id.join(''),
      parent: columns.parent.map((above, row) => (above < 0 ? 0 : row - above)),
      status: columns.status.join(''),
      kind: columns.kind.join(''),
      error: runs(columns.error),
      note: runs(columns.note),
      critical: columns.critical.flatMap((on, row) => (on ? [row] : [])),
    },
  };
  assert.deepEqual(unpack(packed), wire);
});

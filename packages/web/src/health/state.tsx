// How something is, by glyph, word and colour.
const LOOK: Record<string, { glyph: string; tone: string }> = {
  ok: { glyph: '✓', tone: 'ok' },
  alive: { glyph: '✓', tone: 'ok' },
  go: { glyph: '✓', tone: 'ok' },
  warn: { glyph: '!', tone: 'warn' },
  silent: { glyph: '!', tone: 'warn' },
  fail: { glyph: '✕', tone: 'bad' },
  'no-go': { glyph: '✕', tone: 'bad' },
};

export function State({ state }: { state: string }) {
  const { glyph, tone } = LOOK[state.toLowerCase()] ?? { glyph: '·', tone: '' };
  return (
    <span class={`tag ${tone}`}>
      <span aria-hidden="true">{glyph}</span> {state}
    </span>
  );
}

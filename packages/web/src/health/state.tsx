// How something is, by glyph, word and colour.
import { Icon, type IconName } from '../ui/icon.tsx';

const LOOK: Record<string, { glyph: IconName; tone: string }> = {
  ok: { glyph: 'check', tone: 'ok' },
  alive: { glyph: 'check', tone: 'ok' },
  go: { glyph: 'check', tone: 'ok' },
  warn: { glyph: 'bang', tone: 'warn' },
  silent: { glyph: 'bang', tone: 'warn' },
  fail: { glyph: 'cross', tone: 'bad' },
  'no-go': { glyph: 'cross', tone: 'bad' },
};

export function State({ state }: { state: string }) {
  const { glyph, tone } = LOOK[state.toLowerCase()] ?? { glyph: 'dash', tone: '' };
  return (
    <span class={`tag ${tone}`}>
      <Icon name={glyph} size={10} /> {state}
    </span>
  );
}

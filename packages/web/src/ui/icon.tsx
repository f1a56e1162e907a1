// Signs, drawn here: no font has to have them. They stand beside words, or beside words for those who hear the page.

const PATHS = {
  check: 'M2.5 6.5 5 9l4.5-6',
  cross: 'M3 3l6 6M9 3 3 9',
  clock: 'M6 3.2V6l2 1.4M6 1.2a4.8 4.8 0 1 0 0 9.6 4.8 4.8 0 0 0 0-9.6',
  question: 'M4.2 4.4C4.2 3.2 5 2.6 6 2.6s1.8.7 1.8 1.7C7.8 5.6 6 5.7 6 7.2M6 9.3v.2',
  dots: 'M2.6 6h.1M6 6h.1M9.4 6h.1',
  ring: 'M6 2a4 4 0 1 0 0 8 4 4 0 0 0 0-8',
  dash: 'M3 6h6',
  empty: 'M6 2a4 4 0 1 0 0 8 4 4 0 0 0 0-8M9.5 2.5l-7 7',
  bang: 'M6 2.2v4.6M6 9.4v.1',
  warning: 'M6 1.6 11 10.4H1zM6 5v2.4M6 9v.1',
  plus: 'M6 2.5v7M2.5 6h7',
  up: 'M6 10V2.4M3 5.2l3-3 3 3',
  down: 'M6 2v7.6M3 6.8l3 3 3-3',
  right: 'M2 6h7.6M6.8 3l3 3-3 3',
  sun: 'M6 4a2 2 0 1 0 0 4 2 2 0 0 0 0-4M6 .8v1M6 10.2v1M.8 6h1M10.2 6h1M2.3 2.3l.7.7M9 9l.7.7M2.3 9.7 3 9M9 3l.7-.7',
  moon: 'M10.2 7.4A4.6 4.6 0 0 1 4.6 1.8a4.6 4.6 0 1 0 5.6 5.6z',
  half: 'M6 1.6a4.4 4.4 0 1 0 0 8.8zM6 1.6a4.4 4.4 0 0 1 0 8.8',
} as const;

export type IconName = keyof typeof PATHS;

interface IconProps {
  name: IconName;
  /** Pixels. Default 12. */
  size?: number;
}

export function Icon({ name, size = 12 }: IconProps) {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 12 12" width={size} height={size} aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

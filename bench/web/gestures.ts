// What a reader of a trace does, one step a frame.

interface Gesture {
  name: string;
  /** Name in {@link PREPARE}. */
  step: string;
  frames: number;
}

export const GESTURES: Gesture[] = [
  { name: 'scrolling', step: 'scroll', frames: 180 },
  { name: 'zooming', step: 'zoom', frames: 180 },
  { name: 'folding a level', step: 'level', frames: 120 },
  { name: 'opening, closing a row', step: 'row', frames: 120 },
  { name: 'filtering', step: 'filter', frames: 120 },
];

/** Run in the page: puts `gestures` into its global. */
export const PREPARE = `
  const grid = document.querySelector('[role=treegrid]');
  const bars = document.querySelector('.wf-bars canvas');
  const press = (key) => grid.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
  const words = ['service-3', 'service=database', 'error', 'duration>2ms', 'POST kind=internal', 'SELECT'];
  globalThis.gestures = {
    // A page and a half a frame, with a jump to elsewhere every thirty.
    scroll: (n) => { grid.scrollTop = n % 30 === 0 ? (grid.scrollHeight * (n / 180)) : grid.scrollTop + 700; },
    zoom: (n) => {
      const { left, top, width } = bars.getBoundingClientRect();
      const at = { clientX: left + width * 0.4, clientY: top + 50, deltaY: n % 120 < 60 ? -90 : 90, ctrlKey: true };
      bars.dispatchEvent(new WheelEvent('wheel', { ...at, bubbles: true, cancelable: true }));
    },
    level: (n) => press(n % 6 < 3 ? '[' : ']'),
    row: (n) => { if (n % 2 === 0) press('ArrowDown'); press(n % 4 < 2 ? 'ArrowLeft' : 'ArrowRight'); },
    filter: (n) => {
      const input = document.querySelector('[data-filter]');
      const word = words[Math.floor(n / 20) % words.length];
      input.value = word.slice(0, 1 + (n % 20) % word.length);
      input.dispatchEvent(new InputEvent('input', { bubbles: true }));
    },
  };
`;

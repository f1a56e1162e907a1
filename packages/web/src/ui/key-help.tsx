// The keys that are bound now.
import { bindings } from '../state/keys.ts';
import { Dialog } from './dialog.tsx';

const NAMES: Record<string, string> = {
  ArrowUp: 'up',
  ArrowDown: 'down',
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ' ': 'Space',
};

/** Keys that work where the focus is. */
const PLACES = [
  {
    title: 'In tables',
    keys: [
      { key: 'ArrowUp ArrowDown', doc: 'row by row' },
      { key: 'Enter', doc: 'open' },
    ],
  },
  {
    title: 'In the matrix',
    keys: [{ key: 'arrows', doc: 'cell by cell' }],
  },
  {
    title: 'In the heatmap',
    keys: [
      { key: 'arrows', doc: 'move' },
      { key: 'Shift arrows', doc: 'select' },
      { key: 'Enter', doc: 'what is different?' },
      { key: 'Escape', doc: 'clear' },
    ],
  },
];

export function KeyHelp({ onClose }: { onClose(): void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <div class="keys">
        {[...bindings.value.toReversed(), ...PLACES].map(({ title, keys }) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {keys.map(({ key, doc }) => (
                <div key={key}>
                  <dt>
                    {key.split(/(?<=.) (?=.)/).map((each) => (
                      <kbd key={each}>{NAMES[each] ?? each}</kbd>
                    ))}
                  </dt>
                  <dd>{doc}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}

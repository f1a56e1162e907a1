// A list of which only what is on screen exists.
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

interface Props {
  count: number;
  /** Pixels of a row. */
  height: number;
  label: string;
  row: (index: number) => ComponentChildren;
}

const SPARE = 6;

export function VirtualRows({ count, height, label, row }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const [range, setRange] = useState({ first: 0, last: 40 });
  useLayoutEffect(() => {
    const element = scroller.current!;
    const look = () =>
      setRange({
        first: Math.max(0, Math.floor(element.scrollTop / height) - SPARE),
        last: Math.min(count, Math.ceil((element.scrollTop + element.clientHeight) / height) + SPARE),
      });
    look();
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, [count, height]);
  const shown = Array.from(
    { length: Math.max(0, Math.min(count, range.last) - range.first) },
    (_, n) => range.first + n,
  );
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    // biome-ignore lint/a11y/useSemanticElements: a scrolling area, not a form's group.
    <div class="virtual-rows" ref={scroller} role="group" aria-label={label} tabIndex={0}>
      <ul style={{ height: `${count * height}px` }}>
        {shown.map((index) => (
          <li
            key={index}
            aria-posinset={index + 1}
            aria-setsize={count}
            style={{ position: 'absolute', top: `${index * height}px`, height: `${height}px`, left: 0, right: 0 }}
          >
            {row(index)}
          </li>
        ))}
      </ul>
    </div>
  );
}

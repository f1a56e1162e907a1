// A text field with suggestions, after the combobox pattern of WAI-ARIA: the focus stays in the field.
import { useId, useState } from 'preact/hooks';

export interface Suggestion {
  /** What is put in place of what was typed. */
  insert: string;
  label: string;
  /** Faintly beside it: a count, a kind. */
  note?: string;
}

interface ComboboxProps {
  label: string;
  placeholder: string;
  value: string;
  onInput(value: string, cursor: number): void;
  suggestions: Suggestion[];
  onPick(suggestion: Suggestion, input: HTMLInputElement): void;
  onSubmit(): void;
}

export function Combobox({ label, placeholder, value, onInput, suggestions: newest, onPick, onSubmit }: ComboboxProps) {
  const id = useId();
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  // A list that is being walked through stays: an answer that comes late must not change what Enter takes.
  const [held, setHeld] = useState<Suggestion[]>();
  const suggestions = held ?? newest;
  const shown = open && suggestions.length > 0;
  const current = shown ? suggestions[at] : undefined;

  const onKeyDown = (event: KeyboardEvent & { currentTarget: HTMLInputElement }) => {
    const input = event.currentTarget;
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      setOpen(true);
      if (suggestions.length > 0) setHeld(suggestions);
      setAt(
        (before) =>
          (before + step + suggestions.length + (before < 0 && step < 0 ? 1 : 0)) % Math.max(1, suggestions.length),
      );
    } else if ((event.key === 'Enter' || event.key === 'Tab') && current) {
      event.preventDefault();
      letGo();
      onPick(current, input);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      setOpen(false);
      onSubmit();
    } else if (event.key === 'Escape') {
      if (shown) event.preventDefault();
      else input.blur();
      setOpen(false);
      letGo();
    }
  };
  const letGo = () => {
    setAt(-1);
    setHeld(undefined);
  };

  return (
    <div class="combobox">
      <input
        data-filter
        type="text"
        role="combobox"
        aria-label={label}
        aria-expanded={shown}
        aria-controls={id}
        aria-autocomplete="list"
        aria-activedescendant={current ? `${id}-${at}` : undefined}
        placeholder={placeholder}
        autocomplete="off"
        spellcheck={false}
        value={value}
        onInput={({ currentTarget }) => {
          setOpen(true);
          letGo();
          onInput(currentTarget.value, currentTarget.selectionStart ?? currentTarget.value.length);
        }}
        onFocus={({ currentTarget }) => onInput(currentTarget.value, currentTarget.selectionStart ?? 0)}
        onClick={({ currentTarget }) => {
          setOpen(true);
          onInput(currentTarget.value, currentTarget.selectionStart ?? 0);
        }}
        onBlur={() => {
          setOpen(false);
          letGo();
        }}
        onKeyDown={onKeyDown}
      />
      <div id={id} class="options" role="listbox" aria-label={`Suggestions: ${label}`} hidden={!shown}>
        {suggestions.map((suggestion, i) => (
          // biome-ignore lint/a11y/useFocusableInteractive: the focus stays in the field, which points here.
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field takes the keys.
          <div
            key={suggestion.insert}
            id={`${id}-${i}`}
            role="option"
            aria-selected={i === at}
            onMouseDown={(event) => event.preventDefault()}
            onClick={(event) => {
              const input = event.currentTarget.closest('.combobox')?.querySelector('input');
              letGo();
              if (input) onPick(suggestion, input);
            }}
          >
            <span>{suggestion.label}</span>
            <span class="faint">{suggestion.note}</span>
          </div>
        ))}
      </div>
    </div>
  );
}

// Values of TraceQL as Tempo's JSON has them.
import type { AnyValue } from '../../otlp/traces.ts';
import { durationText } from './traceql/spansets.ts';
import type { Value } from './traceql/values.ts';

/** As OTLP's AnyValue: durations, status and kind are texts, and nil is the text `nil`. */
export function shownValue(value: Value): AnyValue {
  switch (value.type) {
    case 'nil':
      return { stringValue: 'nil' };
    case 'int':
      return { intValue: String(value.value) };
    case 'float':
      return {
        doubleValue: Number.isFinite(value.value) ? value.value : String(value.value).replace('Infinity', 'Inf'),
      };
    case 'bool':
      return { boolValue: value.value };
    case 'duration':
      return { stringValue: durationText(value.value) };
    case 'list':
      return { arrayValue: { values: value.values.map(shownValue) } };
    default:
      return { stringValue: value.value };
  }
}

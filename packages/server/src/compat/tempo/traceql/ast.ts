// What a TraceQL query is once it is read: a tree whose nodes know where in the text they stand.

export type Type = 'attribute' | 'nil' | 'int' | 'float' | 'string' | 'bool' | 'duration' | 'status' | 'kind';

export type Status = 'error' | 'ok' | 'unset';
export type Kind = 'unspecified' | 'internal' | 'client' | 'server' | 'producer' | 'consumer';

/** A single value: durations are nanoseconds. */
export type Literal =
  | { type: 'int'; value: bigint }
  | { type: 'float'; value: number }
  | { type: 'duration'; value: bigint }
  | { type: 'string'; value: string }
  | { type: 'bool'; value: boolean }
  | { type: 'status'; value: Status }
  | { type: 'kind'; value: Kind }
  | { type: 'nil' };

export type Scope = 'none' | 'span' | 'resource' | 'event' | 'link' | 'instrumentation';

export type Intrinsic =
  | 'duration'
  | 'name'
  | 'status'
  | 'statusMessage'
  | 'kind'
  | 'span:childCount'
  | 'rootServiceName'
  | 'rootName'
  | 'traceDuration'
  | 'nestedSetLeft'
  | 'nestedSetRight'
  | 'nestedSetParent'
  | 'event:name'
  | 'event:timeSinceStart'
  | 'link:spanID'
  | 'link:traceID'
  | 'instrumentation:name'
  | 'instrumentation:version'
  | 'trace:id'
  | 'span:id'
  | 'span:parentID';

export type AttributeNode =
  | { node: 'intrinsic'; name: Intrinsic; at: number }
  | { node: 'attribute'; scope: Scope; name: string; at: number };

export type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>=' | '=~' | '!~';
export type Arithmetic = '+' | '-' | '*' | '/' | '%' | '^';
export type BinaryOperator = Comparison | Arithmetic | '&&' | '||';

export type Field =
  | AttributeNode
  | { node: 'literal'; literal: Literal; at: number }
  | { node: 'binary'; operator: BinaryOperator; left: Field; right: Field; at: number }
  | { node: 'unary'; operator: '-' | '!'; operand: Field; at: number }
  | { node: 'exists'; negated: boolean; operand: Field; at: number };

export type Relation = '>' | '>>' | '<' | '<<' | '~';
/** How two sets of spans are joined; a relation may be negated, or keep the spans of both sides. */
export type SpansetOperator = '&&' | '||' | Relation | `!${Relation}` | `&${Relation}`;

export type SpansetNode =
  | { node: 'filter'; field: Field | null; at: number }
  | { node: 'operation'; operator: SpansetOperator; left: SpansetNode; right: SpansetNode; at: number }
  | { node: 'pipeline'; stages: Stage[]; at: number };

export type AggregateName = 'count' | 'avg' | 'min' | 'max' | 'sum';
export interface Aggregate {
  name: AggregateName;
  field: Field | null;
  at: number;
}

export type Order = '=' | '!=' | '<' | '<=' | '>' | '>=';

export type Stage =
  | SpansetNode
  | { node: 'aggregate'; aggregate: Aggregate; operator: Order; literal: Literal; at: number }
  | { node: 'by'; field: Field; at: number }
  | { node: 'coalesce'; at: number }
  | { node: 'select'; attributes: AttributeNode[]; at: number };

export type MetricsName =
  | 'rate'
  | 'count_over_time'
  | 'min_over_time'
  | 'max_over_time'
  | 'avg_over_time'
  | 'sum_over_time'
  | 'quantile_over_time'
  | 'histogram_over_time';

export type Measure =
  | { node: 'measure'; name: MetricsName; attribute: AttributeNode | null; quantiles: number[]; by: AttributeNode[] }
  | { node: 'compare'; selection: Field | null; top: number; from: bigint; to: bigint };

/** A stage after a measure: the series it keeps, or what it makes of their values. */
export type SeriesStage =
  | { node: 'topk' | 'bottomk'; count: number; at: number }
  | { node: 'threshold'; operator: Order; value: number; at: number };

export type Series =
  | { node: 'series'; stages: Stage[]; measure: Measure; after: SeriesStage[]; at: number }
  | { node: 'math'; operator: '+' | '-' | '*' | '/'; left: Series; right: Series; after: SeriesStage[]; at: number }
  | {
      node: 'scaled';
      operator: '+' | '-' | '*' | '/';
      series: Series;
      value: number;
      /** The number stands before the operator. */
      first: boolean;
      after: SeriesStage[];
      at: number;
    };

export type Query =
  | { kind: 'search'; stages: Stage[]; hints: Map<string, Literal> }
  | { kind: 'metrics'; series: Series; hints: Map<string, Literal> };

/** As Tempo writes it in labels and in the attributes of a found span set. */
export function textOf(attribute: AttributeNode): string {
  if (attribute.node === 'intrinsic') return attribute.name;
  const name = /[\s{}()=~!<>&|^,"\\]/.test(attribute.name) ? JSON.stringify(attribute.name) : attribute.name;
  return `${attribute.scope === 'none' ? '' : attribute.scope}.${name}`;
}

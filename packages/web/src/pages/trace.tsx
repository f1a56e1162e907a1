import type { PageProps } from '../routes.ts';

export default function Trace({ params }: PageProps) {
  return <h1>Trace {params.id}</h1>;
}

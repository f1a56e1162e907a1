// What keeps spans from the database although the flag is on, in words: for `health()` and one line at start.
import type { BeaconSpanProcessor } from './processor.ts';
import { hands } from './provider-processors.ts';
import { className, registeredProvider } from './registered.ts';
import { byHand } from './remedies.ts';
import { samplingOf } from './sampling.ts';

/** Empty where nothing is known to keep them. Never throws. */
export function warningsOf(processor: BeaconSpanProcessor, env: NodeJS.ProcessEnv = process.env): string[] {
  if (!processor.enabled || processor.isStopped) return [];
  const provider = registeredProvider();
  return [...ofEnvironment(env), ...ofSampler(provider, env), ...ofProvider(provider, processor)];
}

function ofEnvironment(env: NodeJS.ProcessEnv): string[] {
  const warnings: string[] = [];
  if (isTrue(env.OTEL_SDK_DISABLED)) {
    warnings.push(
      'OTEL_SDK_DISABLED=true: an OpenTelemetry Node SDK registers nothing and instruments no library; only spans made ' +
        'by hand are written. Unset it',
    );
  }
  const exporters = list(env.OTEL_TRACES_EXPORTER);
  if (exporters.includes('none')) {
    warnings.push(
      'OTEL_TRACES_EXPORTER=none: an OpenTelemetry Node SDK registers no provider for spans, so that it depends on the ' +
        "tracer's own whether they are written. Unset it, or set it to otlp",
    );
  }
  return warnings;
}

function ofSampler(provider: unknown, env: NodeJS.ProcessEnv): string[] {
  const { name, keeps } = samplingOf(provider);
  if (keeps === null || keeps === 1) return [];
  const from = env.OTEL_TRACES_SAMPLER
    ? ` (OTEL_TRACES_SAMPLER=${env.OTEL_TRACES_SAMPLER}${env.OTEL_TRACES_SAMPLER_ARG ? `, OTEL_TRACES_SAMPLER_ARG=${env.OTEL_TRACES_SAMPLER_ARG}` : ''})`
    : '';
  const what = keeps === 0 ? 'every span' : `about ${Math.round(100 * (1 - keeps))} of 100 traces`;
  return [`the sampler ${name}${from} drops ${what}. Use parentbased_always_on to write all of them`];
}

function ofProvider(provider: unknown, processor: BeaconSpanProcessor): string[] {
  if (hands(provider, processor)) return [];
  const whose =
    provider === undefined
      ? 'no provider is registered that'
      : `the registered ${className(provider) ?? 'provider'} does not`;
  return [`${whose} ${provider === undefined ? 'hands' : 'hand'} its spans to the tracer; ${byHand(provider)}`];
}

const isTrue = (text: string | undefined) => text?.trim().toLowerCase() === 'true';

const list = (text = '') => text.split(',').map((each) => each.trim().toLowerCase());

// Loaded by `node --import` before a test program: OpenTelemetry is then the 2.x of fixtures/otel2.
import { registerHooks } from 'node:module';

const fixture = new URL('../../../fixtures/otel2/package.json', import.meta.url).href;

registerHooks({
  resolve(specifier, context, next) {
    if (!specifier.startsWith('@opentelemetry/')) return next(specifier, context);
    const fromOurs = !context.parentURL?.includes('/otel2/node_modules/');
    return next(specifier, fromOurs ? { ...context, parentURL: fixture } : context);
  },
});

// Loaded by `node --import` before a test program: OpenTelemetry is then the 2.x of fixtures/otel2. With
// WITHOUT_SDK_TRACE=1 as before 2.11, when the SDK's only package was sdk-trace-base.
import { registerHooks } from 'node:module';

const fixture = new URL('../../../fixtures/otel2/package.json', import.meta.url).href;

registerHooks({
  resolve(specifier, context, next) {
    if (!specifier.startsWith('@opentelemetry/')) return next(specifier, context);
    const fromOurs = !context.parentURL?.includes('/otel2/node_modules/');
    if (specifier === '@opentelemetry/sdk-trace' && fromOurs && process.env.WITHOUT_SDK_TRACE) {
      throw Object.assign(new Error(`Cannot find package '${specifier}'`), { code: 'ERR_MODULE_NOT_FOUND' });
    }
    return next(specifier, fromOurs ? { ...context, parentURL: fixture } : context);
  },
});

// An assistant that asks models: node main.mjs <failure>
import { oneService } from 'world-node/one-service.mjs';
import { startProviders } from 'world-node/providers.mjs';

await startProviders(process.argv[2]);
await oneService('assistant-api', new URL('assistant.mjs', import.meta.url), 8080);

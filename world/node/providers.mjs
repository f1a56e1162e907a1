// Model providers at their own host names (over HTTP): they answer as the real ones do, by the failure's name,
// `<provider>-<scene>`. Error bodies have the form, status, type and code that the providers document and send.
import http from 'node:http';
import { pause } from './processes.mjs';
import { anthropic } from './providers/anthropic.mjs';
import { bedrock } from './providers/bedrock.mjs';
import { google } from './providers/google.mjs';
import { openai } from './providers/openai.mjs';

const HOSTS = {
  openai: ['api.openai.com', openai],
  anthropic: ['api.anthropic.com', anthropic],
  bedrock: ['bedrock-runtime.us-east-1.amazonaws.com', bedrock],
  google: ['generativelanguage.googleapis.com', google],
};

export async function startProviders(failure) {
  const [provider, ...words] = failure.split('-');
  const [host, answers] = HOSTS[provider];
  let asked = 0;
  const server = http.createServer(async (request, response) => {
    let text = '';
    for await (const part of request) text += part;
    const body = text ? JSON.parse(text) : {};
    const answer = answers({ scene: words.join('-'), body, path: request.url, asked: ++asked });
    await pause(answer.delayMs ?? 40);
    response.writeHead(answer.status ?? 200, { 'content-type': answer.type ?? 'application/json', ...answer.headers });
    for (const event of answer.events ?? []) response.write(event);
    if (answer.cut) return void setTimeout(() => response.destroy(), 50);
    response.end(answer.events ? undefined : JSON.stringify(answer.body));
  });
  await new Promise((resolve) => server.listen(80, host, resolve));
}

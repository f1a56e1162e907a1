// A router whose answers the test decides: real HTTP, and it counts what it is asked.
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';

export interface Asked {
  model: string;
  region: string;
  question: string;
}

interface Reply {
  status: number;
  headers?: Record<string, string>;
  body: object;
}

export const ANSWER: Reply = {
  status: 200,
  body: { answer: '4', provider: 'test', simulated: true, usage: { inputTokens: 6, outputTokens: 1 } },
};

export function refuse(status: number, code: string, headers: Record<string, string> = {}): Reply {
  return { status, headers, body: { error: { message: `refused with ${code}`, code } } };
}

export class TestRouter {
  readonly asked: Asked[] = [];
  /** Where it listens; empty before. */
  url = '';
  /** Replaced by a test; may wait. */
  answer: (asked: Asked) => Reply | Promise<Reply> = () => ANSWER;
  readonly #server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const asked = JSON.parse(Buffer.concat(chunks).toString()) as Asked;
    this.asked.push(asked);
    const { status, headers, body } = await this.answer(asked);
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close', ...headers });
    response.end(JSON.stringify(body));
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    after(() => {
      this.#server.close();
      this.#server.closeAllConnections();
    });
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this.url;
  }

  /** How often a question was asked. */
  count(question: string): number {
    return this.asked.filter((asked) => asked.question === question).length;
  }
}

// A real, small model on this machine: Gemma 3 270M through node-llama-cpp, which users install themselves (`npm run model`
// says how). A base model: it continues a text, so it is given worked examples and not a chat.
import { existsSync } from 'node:fs';
import type { Answer, Manner } from './model.ts';

const LOCAL_MODEL_ID = 'gemma-3-270m';
/** Tested with this version, and installed by no `npm install` of ours: 700 MB of binaries for every platform. */
const LLAMA_VERSION = '3.21.1';

export interface LocalModel {
  readonly id: string;
  /**
   * One question at a time; others wait.
   *
   * @param onChunk Receives the text as it is written.
   */
  answer(question: string, options: LocalQuestion): Promise<Answer>;
  countTokens(text: string): number;
  close(): Promise<void>;
}

export interface LocalQuestion {
  manner?: Manner;
  maxTokens?: number | undefined;
  signal?: AbortSignal;
  onChunk?: (text: string) => void;
}

/** What is used of node-llama-cpp 3.21; its own types are not there where it is not installed. */
interface Llama {
  getLlama(options: object): Promise<{
    loadModel(options: { modelPath: string }): Promise<{
      tokenize(text: string): readonly number[];
      createContext(options: { contextSize: number; threads: number }): Promise<{ getSequence(): unknown }>;
    }>;
    dispose(): Promise<void>;
  }>;
  LlamaCompletion: new (options: {
    contextSequence: unknown;
  }) => {
    generateCompletionWithMeta(
      prompt: string,
      options: object,
    ): Promise<{ response: string; metadata: { stopReason: string } }>;
  };
}

const THREADS = 2;
const CONTEXT_TOKENS = 1024;
const USUAL_MAX_TOKENS = 48;
const CUT_AFTER = 3;
const EXAMPLES = 'Question: What is 3+4?\nAnswer: 7\n\nQuestion: Capital of Spain?\nAnswer: Madrid\n\n';
/** The same model with another prompt, which is how the answers of regions really come to differ. */
const OTHER_EXAMPLES =
  'Question: What is 3+4?\nAnswer: The answer is 7.\n\nQuestion: Capital of Spain?\nAnswer: The capital of Spain is Madrid.\n\n';
const NAME: string = 'node-llama-cpp';

/** @throws Error that says what is missing and how to get it. */
export async function loadLocalModel(file: string): Promise<LocalModel> {
  if (!existsSync(file)) throw new Error(`LOCAL_MODEL: there is no file ${file}. \`npm run model\` fetches it.`);
  const { getLlama, LlamaCompletion } = (await import(NAME).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Error(
      `LOCAL_MODEL: ${NAME} is not installed. Run \`npm install --no-save ${NAME}@${LLAMA_VERSION}\` in this repository.`,
    );
  })) as Llama;
  // It tries its binary in a fork first, which must not be started as this process was (`--import`).
  const { execArgv } = process;
  process.execArgv = [];
  const llama = await getLlama({
    gpu: false,
    build: 'never',
    maxThreads: THREADS,
    logLevel: 'error',
    progressLogs: false,
  }).finally(() => {
    process.execArgv = execArgv;
  });
  const model = await llama.loadModel({ modelPath: file });
  const context = await model.createContext({ contextSize: CONTEXT_TOKENS, threads: THREADS });
  const completion = new LlamaCompletion({ contextSequence: context.getSequence() });
  let last: Promise<unknown> = Promise.resolve();

  async function complete(question: string, { manner, maxTokens, signal, onChunk }: LocalQuestion): Promise<Answer> {
    signal?.throwIfAborted();
    const started = performance.now();
    const examples = manner === 'other_answer' ? OTHER_EXAMPLES : EXAMPLES;
    const limit = Math.min(maxTokens ?? USUAL_MAX_TOKENS, manner === 'truncated' ? CUT_AFTER : USUAL_MAX_TOKENS);
    let isFirst = true;
    const { response, metadata } = await completion.generateCompletionWithMeta(
      `${examples}Question: ${question.replace(/\s+/g, ' ').trim()}\nAnswer:`,
      {
        temperature: 0,
        maxTokens: limit,
        customStopTriggers: ['\n'],
        signal,
        onTextChunk(text: string) {
          const said = isFirst ? text.trimStart() : text;
          if (said === '') return;
          isFirst = false;
          onChunk?.(said);
        },
      },
    );
    return {
      text: response.trimStart(),
      finishReason: metadata.stopReason === 'maxTokens' ? 'length' : 'stop',
      outputTokens: model.tokenize(response).length,
      generationMs: performance.now() - started,
    };
  }

  return {
    id: LOCAL_MODEL_ID,
    answer(question, options) {
      const turn = last.then(() => complete(question, options));
      last = turn.catch(() => {});
      return turn;
    },
    countTokens: (text) => model.tokenize(text).length,
    close: () => llama.dispose(),
  };
}

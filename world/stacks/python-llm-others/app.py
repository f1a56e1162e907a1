"""digest-svc: asks models of many providers, each with its own SDK. `python app.py <provider>-<fault> ...`"""

import os
import sys

os.environ.update(LITELLM_LOCAL_MODEL_COST_MAP="True", TRACELOOP_TRACE_CONTENT="false", HF_HUB_DISABLE_TELEMETRY="1")

from opentelemetry import trace  # noqa: E402
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: E402
from opentelemetry.instrumentation.cohere import CohereInstrumentor  # noqa: E402
from opentelemetry.instrumentation.google_generativeai import GoogleGenerativeAiInstrumentor  # noqa: E402
from opentelemetry.instrumentation.groq import GroqInstrumentor  # noqa: E402
from opentelemetry.instrumentation.mistralai import MistralAiInstrumentor  # noqa: E402
from opentelemetry.instrumentation.ollama import OllamaInstrumentor  # noqa: E402
from opentelemetry.sdk.resources import Resource  # noqa: E402
from opentelemetry.sdk.trace import TracerProvider  # noqa: E402
from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: E402
from opentelemetry.trace import SpanKind  # noqa: E402

import answers  # noqa: E402

PROVIDER = TracerProvider(resource=Resource.create({"service.name": "digest-svc"}))
PROVIDER.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=200))
trace.set_tracer_provider(PROVIDER)
TRACER = trace.get_tracer("digest-svc")
QUESTION = [{"role": "user", "content": "How is the weather in Paris?"}]
KEY = "-".join(["world", "key"])


def address(host, fault):
    return {"refused": f"http://{host}:444", "dns": f"http://{host}.internal"}.get(fault, f"http://{host}")


def patience(fault):
    return 0.8 if fault == "silent" else 20


def mistral(fault):
    from mistralai import Mistral

    client = Mistral(api_key=KEY, server_url=address("api.mistral.ai", fault), timeout_ms=int(patience(fault) * 1000))
    client.chat.complete(model="mistral-grand" if fault == "no-model" else "mistral-large-latest", messages=QUESTION)


def cohere(fault):
    from cohere import ClientV2

    client = ClientV2(api_key=KEY, base_url=address("api.cohere.com", fault), timeout=patience(fault))
    client.chat(model="command-r-plus", messages=QUESTION, request_options={"max_retries": 0})


def groq(fault):
    from groq import Groq

    client = Groq(api_key=KEY, base_url=address("api.groq.com", fault), max_retries=0, timeout=patience(fault))
    client.chat.completions.create(model="llama-3.3-70b-versatile", messages=QUESTION)


def gemini(fault):
    from google import genai

    host = address("generativelanguage.googleapis.com", fault)
    options = {"base_url": host, "timeout": int(patience(fault) * 1000)}
    client = genai.Client(api_key=KEY, http_options=options)
    answer = client.models.generate_content(model="gemini-2.5-flash", contents="How is the weather?")
    if not answer.text:
        raise ValueError("Gemini answered without a text")


def ollama(fault):
    from ollama import Client

    Client(host=address("ollama", fault), timeout=patience(fault)).chat(model="llama3", messages=QUESTION)


def vllm(fault):
    import openai

    client = openai.OpenAI(api_key=KEY, base_url=address("vllm-0", fault) + "/v1", max_retries=0, timeout=patience(fault))
    with TRACER.start_as_current_span("chat qwen3", kind=SpanKind.CLIENT) as span:
        span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": "qwen3", "server.address": "vllm-0"})
        client.chat.completions.create(model="qwen3", messages=QUESTION)


def hf(fault):
    from huggingface_hub import InferenceClient

    url = address("router.huggingface.co", fault)
    InferenceClient(base_url=url, api_key=KEY, timeout=patience(fault)).chat_completion(QUESTION, model="meta-llama/Llama-3.1-8B-Instruct")


def litellm(fault):
    import litellm as library

    model = {"no-provider": "llama-unknown"}.get(fault, "openai/gpt-4o")
    url = address("api.openai.com", fault) + "/v1"
    library.completion(model=model, messages=QUESTION, api_key=KEY, api_base=url, timeout=patience(fault), max_retries=0)


def llamaindex(fault):
    from llama_index.llms.openai import OpenAI

    url = address("api.openai.com", fault) + "/v1"
    OpenAI(model="gpt-4o", api_key=KEY, api_base=url, max_retries=0, timeout=patience(fault)).complete("How is the weather?")


PROVIDERS = {each.__name__: each for each in (mistral, cohere, groq, gemini, ollama, vllm, hf, litellm, llamaindex)}


def main():
    from world import done

    answers.serve()
    for instrumentor in (
        CohereInstrumentor, GoogleGenerativeAiInstrumentor, GroqInstrumentor, MistralAiInstrumentor, OllamaInstrumentor,
    ):
        instrumentor().instrument()
    from openinference.instrumentation.litellm import LiteLLMInstrumentor
    from openinference.instrumentation.llama_index import LlamaIndexInstrumentor

    LiteLLMInstrumentor().instrument()
    LlamaIndexInstrumentor().instrument()
    for failure in sys.argv[1:]:
        answers.now["failure"] = failure
        provider, fault = failure.split("-", 1)
        try:
            with TRACER.start_as_current_span("POST /digest", kind=SpanKind.SERVER):
                PROVIDERS[provider](fault)
        except Exception as error:
            print(failure, repr(error)[:300])
        done(failure)


main()

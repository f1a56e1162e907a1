"""rag-api: FastAPI over models. The stacks differ in the libraries and instrumentations that are installed beside it."""

import json

TOOLS = {"get_weather": lambda city: f"sunny in {city}"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
QUESTION = [{"role": "user", "content": "How is the weather in Paris?"}]


def model_of(fault, usual):
    return {"no-model": "gpt-9", "deprecated-model": "gpt-4-0314"}.get(fault, usual)


def timeout_of(fault):
    return 0.8 if fault in ("silent", "stream-stalls") else 20


def openai_client(fault):
    import openai

    address = {"refused": "https://api.openai.com:444/v1", "dns": "https://openai.internal.example/v1"}.get(fault)
    # Retries are the SDK's own; most programs leave them on, most failures here are of a single try.
    retries = 2 if fault in ("retried", "retries-rate-limit") else 0
    key = "rate-limit" if fault == "retries-rate-limit" else fault
    return openai.OpenAI(api_key=f"world-{key}", base_url=address, max_retries=retries, timeout=timeout_of(fault))


def openai_chat(fault):
    answer = openai_client(fault).chat.completions.create(model=model_of(fault, "gpt-4o"), messages=QUESTION)
    return answer.choices[0].message.content


def openai_stream(fault):
    options = {"include_usage": True}
    chunks = openai_client(fault).chat.completions.create(
        model=model_of(fault, "gpt-4o"), messages=QUESTION, stream=True, stream_options=options
    )
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def openai_responses(fault):
    return openai_client(fault).responses.create(model=model_of(fault, "gpt-4o"), input="How is the weather?").output_text


def openai_embeddings(fault):
    made = openai_client(fault).embeddings.create(model=model_of(fault, "text-embedding-3-small"), input="weather")
    return str(len(made.data[0].embedding))


def openai_tools(fault):
    client = openai_client(fault)
    tools = [{"type": "function", "function": {"name": "get_weather", "description": "Weather", "parameters": SCHEMA}}]
    messages = list(QUESTION)
    for _ in range(12):
        message = client.chat.completions.create(model="gpt-4o", messages=messages, tools=tools).choices[0].message
        if not message.tool_calls:
            return message.content
        messages.append(message.model_dump(exclude_none=True))
        for call in message.tool_calls:
            result = TOOLS[call.function.name](**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    raise RuntimeError("The agent did not come to an end within 12 steps")


def anthropic_client(fault):
    import anthropic

    address = {"refused": "https://api.anthropic.com:444"}.get(fault)
    return anthropic.Anthropic(api_key=f"world-{fault}", base_url=address, max_retries=0, timeout=timeout_of(fault))


def anthropic_messages(fault):
    model = "claude-nope-1" if fault == "no-model" else "claude-sonnet-4-5"
    answer = anthropic_client(fault).messages.create(model=model, max_tokens=200, messages=QUESTION)
    return "".join(block.text for block in answer.content)


def anthropic_stream(fault):
    asked = {"model": "claude-sonnet-4-5", "max_tokens": 200, "messages": QUESTION}
    with anthropic_client(fault).messages.stream(**asked) as stream:
        return "".join(stream.text_stream)


def anthropic_tools(fault):
    client = anthropic_client(fault)
    tools = [{"name": "get_weather", "description": "Weather", "input_schema": SCHEMA}]
    messages = list(QUESTION)
    for _ in range(5):
        answer = client.messages.create(model="claude-sonnet-4-5", max_tokens=200, messages=messages, tools=tools)
        uses = [block for block in answer.content if block.type == "tool_use"]
        if not uses:
            return answer.content[0].text
        messages.append({"role": "assistant", "content": [block.model_dump() for block in answer.content]})
        results = [{"type": "tool_result", "tool_use_id": use.id, "content": TOOLS[use.name](**use.input)} for use in uses]
        messages.append({"role": "user", "content": results})


def bedrock_client(fault):
    import boto3
    from botocore.config import Config

    address = {"refused": "https://bedrock-runtime.us-east-1.amazonaws.com:444"}.get(fault)
    return boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        aws_access_key_id=f"world-{fault}",
        aws_secret_access_key="secret",
        endpoint_url=address,
        config=Config(retries={"total_max_attempts": 1}, read_timeout=timeout_of(fault), connect_timeout=5),
    )


def bedrock_converse(fault):
    model = "anthropic.claude-nope-v1:0" if fault == "no-model" else "anthropic.claude-sonnet-4-5-v1:0"
    messages = [{"role": "user", "content": [{"text": "How is the weather?"}]}]
    answer = bedrock_client(fault).converse(modelId=model, messages=messages, inferenceConfig={"maxTokens": 200})
    return "".join(part.get("text", "") for part in answer["output"]["message"]["content"])


def bedrock_invoke(fault):
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 200, "messages": QUESTION}
    answer = bedrock_client(fault).invoke_model(modelId="anthropic.claude-sonnet-4-5-v1:0", body=json.dumps(body))
    return json.loads(answer["body"].read())["content"][0]["text"]


def fallback(fault):
    import openai

    try:
        return openai_chat("rate-limit")
    except openai.RateLimitError:
        return anthropic_messages("ok")


CALLS = {
    "chat": openai_chat,
    "stream": openai_stream,
    "responses": openai_responses,
    "embeddings": openai_embeddings,
    "tools": openai_tools,
    "claude": anthropic_messages,
    "claudestream": anthropic_stream,
    "claudetools": anthropic_tools,
    "bedrock": bedrock_converse,
    "invoke": bedrock_invoke,
    "fallback": fallback,
}


def service(calls):
    from fastapi import FastAPI, Request

    app = FastAPI()

    @app.post("/ask")
    def ask(request: Request):
        call, fault = request.headers["x-fault"].split("-", 1)
        return {"answer": calls[call](fault.removesuffix("-new"))}

    return app


def main(faults, name="rag-api", **options):
    from world import Service, call, done, running

    command = ["uvicorn", "app:app", "--host", name, "--port", "8000", "--log-level", "warning"]
    with running(Service(name, *command, port=8000, **options)):
        for fault in faults:
            call(f"http://{name}:8000/ask", method="POST", body=b"", x_fault=fault)
            done(fault)

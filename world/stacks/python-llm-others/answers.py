"""What providers of models answer: bodies as each of them sends its errors, at their own host names over HTTP."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CHAT = {
    "id": "chat-1", "object": "chat.completion", "created": 1767225600,
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "It is sunny."}}],
    "usage": {"prompt_tokens": 18, "completion_tokens": 4, "total_tokens": 22},
}


def mistral(message, kind, code):
    return {"object": "error", "message": message, "type": kind, "param": None, "code": code}


def groq(message, kind, code=None):
    return {"error": {"message": message, "type": kind, **({"code": code} if code else {})}}


def google(code, status, message, reason=None):
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}] if reason else []
    return {"error": {"code": code, "message": message, "status": status, "details": details}}


def empty(reason):
    return {**CHAT, "choices": [{"index": 0, "finish_reason": reason, "message": {"role": "assistant", "content": ""}}],
            "usage": {"prompt_tokens": 18, "completion_tokens": 0, "total_tokens": 18}}


ANSWERS = {
    "mistral-ok": (200, CHAT),
    "mistral-invalid-key": (401, {"detail": "Unauthorized"}),
    "mistral-rate-limit": (429, mistral("Rate limit exceeded", "rate_limited", "1300")),
    "mistral-capacity": (429, mistral("Service tier capacity exceeded for this model.", "service_tier_capacity_exceeded", "3505")),
    "mistral-no-model": (400, mistral("Invalid model: mistral-grand", "invalid_model", "1500")),
    "mistral-too-long": (400, mistral(
        "Prompt contains 40012 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
        "invalid_request_prompt", "3051")),
    "mistral-bad-parameter": (422, {"detail": [{"type": "less_than_equal", "loc": ["body", "temperature"],
                                                "msg": "Input should be less than or equal to 1.5", "input": 7}]}),
    "mistral-server-error": (500, mistral("Service unavailable.", "internal_server_error", "1000")),
    "mistral-empty": (200, empty("stop")),
    "cohere-ok": (200, {"id": "1", "finish_reason": "COMPLETE",
                        "message": {"role": "assistant", "content": [{"type": "text", "text": "It is sunny."}]},
                        "usage": {"tokens": {"input_tokens": 18, "output_tokens": 4}}}),
    "cohere-invalid-key": (401, {"id": "1", "message": "invalid api token"}),
    "cohere-trial": (429, {"id": "1", "message": "You are using a Trial key, which is limited to 20 API calls / minute. You can "
                           "continue to use the Trial key for free or upgrade to a Production key with higher rate limits at "
                           "'https://dashboard.cohere.com/api-keys'."}),
    "cohere-too-long": (400, {"id": "1", "message": "too many tokens: total number of tokens in the prompt cannot exceed 128000 - "
                              "received 131072. Try using a shorter prompt."}),
    "cohere-no-model": (404, {"id": "1", "message": "model 'command-grand' not found, make sure the correct model ID was used and "
                              "that you have access to the model."}),
    "cohere-removed-model": (404, {"id": "1", "message": "model 'command' was removed on September 15, 2025. See "
                                   "https://docs.cohere.com/docs/models for a list of models."}),
    "cohere-server-error": (500, {"id": "1", "message": "internal server error, this has been reported to our developers"}),
    "groq-ok": (200, CHAT),
    "groq-invalid-key": (401, groq("Invalid API Key", "invalid_request_error", "invalid_api_key")),
    "groq-rate-limit": (429, groq(
        "Rate limit reached for model `llama-3.3-70b-versatile` in organization `org_1` service tier `on_demand` on tokens per "
        "minute (TPM): Limit 12000, Used 11900, Requested 900. Please try again in 4s. Need more tokens? Upgrade to Dev Tier today at "
        "https://console.groq.com/settings/billing", "tokens", "rate_limit_exceeded")),
    "groq-request-too-large": (413, groq(
        "Request too large for model `llama-3.1-8b-instant` in organization `org_1` on tokens per minute (TPM): Limit 6000, Requested "
        "9120, please reduce your message size and try again.", "tokens", "rate_limit_exceeded")),
    "groq-decommissioned": (400, groq(
        "The model `mixtral-8x7b-32768` has been decommissioned and is no longer supported. Please refer to "
        "https://console.groq.com/docs/deprecations for a recommendation on which model to use instead.",
        "invalid_request_error", "model_decommissioned")),
    "groq-tool-failed": (400, {"error": {
        "message": "Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details.",
        "type": "invalid_request_error", "code": "tool_use_failed", "failed_generation": "<function=weather>"}}),
    "groq-over-capacity": (503, groq(
        "llama-3.3-70b-versatile is currently over capacity. Please try again and back off exponentially.", "internal_server_error")),
    "gemini-ok": (200, {"candidates": [{"content": {"role": "model", "parts": [{"text": "It is sunny."}]}, "finishReason": "STOP"}],
                        "usageMetadata": {"promptTokenCount": 18, "candidatesTokenCount": 4, "totalTokenCount": 22}}),
    "gemini-invalid-key": (400, google(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", "API_KEY_INVALID")),
    "gemini-quota": (429, google(
        429, "RESOURCE_EXHAUSTED", "You exceeded your current quota, please check your plan and billing details. "
        "* Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: 50")),
    "gemini-rate-limit": (429, google(
        429, "RESOURCE_EXHAUSTED", "Resource exhausted. Please try again later. Please refer to "
        "https://cloud.google.com/vertex-ai/generative-ai/docs/error-code-429 for more details.")),
    "gemini-overloaded": (503, google(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")),
    "gemini-too-long": (400, google(
        400, "INVALID_ARGUMENT", "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).")),
    "gemini-no-model": (404, google(
        404, "NOT_FOUND", "models/gemini-grand is not found for API version v1beta, or is not supported for generateContent.")),
    "gemini-disabled": (403, google(
        403, "PERMISSION_DENIED", "Generative Language API has not been used in project 17 before or it is disabled.",
        "SERVICE_DISABLED")),
    "gemini-location": (400, google(400, "FAILED_PRECONDITION", "User location is not supported for the API use.")),
    "gemini-deadline": (504, google(504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete.")),
    "gemini-blocked": (200, {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 18}}),
    "gemini-safety": (200, {"candidates": [{"finishReason": "SAFETY"}], "usageMetadata": {"promptTokenCount": 18}}),
    "ollama-ok": (200, {"model": "llama3", "message": {"role": "assistant", "content": "It is sunny."}, "done": True,
                        "done_reason": "stop", "prompt_eval_count": 18, "eval_count": 4}),
    "ollama-no-model": (404, {"error": "model 'llama9' not found"}),
    "ollama-memory": (500, {"error": "model requires more system memory (8.4 GiB) than is available (3.1 GiB)"}),
    "ollama-runner-killed": (500, {"error": "llama runner process has terminated: signal: killed"}),
    "ollama-no-tools": (400, {"error": "registry.ollama.ai/library/gemma:latest does not support tools"}),
    "ollama-busy": (503, {"error": "server busy, please try again. maximum pending requests exceeded"}),
    "vllm-ok": (200, CHAT),
    "vllm-too-long": (400, {"object": "error", "type": "BadRequestError", "param": None, "code": 400, "message":
                            "This model's maximum context length is 4096 tokens. However, you requested 5012 tokens (4912 in the "
                            "messages, 100 in the completion). Please reduce the length of the messages or completion."}),
    "vllm-no-model": (404, {"error": {"message": "The model `qwen9` does not exist.", "type": "NotFoundError", "param": "model",
                                      "code": 404}}),
    "vllm-engine-dead": (500, {"error": {"message": "EngineCore encountered an issue. See stack trace (above) for the root cause.",
                                         "type": "InternalServerError", "param": None, "code": 500}}),
    "vllm-cuda-memory": (500, {"error": {"message": "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of "
                                         "23.6 GiB of which 1.1 GiB is free.", "type": "InternalServerError", "code": 500}}),
    "hf-ok": (200, CHAT),
    "hf-credits": (402, {"error": "You have exceeded your monthly included credits for Inference Providers. Subscribe to PRO to get "
                         "20x more monthly included credits."}),
    "hf-loading": (503, {"error": "Model meta-llama/Llama-3.1-8B-Instruct is currently loading", "estimated_time": 20.0}),
    "hf-invalid-key": (401, {"error": "Invalid username or password."}),
    "hf-gated": (403, {"error": "Access to model meta-llama/Llama-3.1-8B-Instruct is restricted and you are not in the authorized "
                       "list. Visit the model's page to ask for access."}),
    "hf-too-long": (422, {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` "
                          "tokens and 100 `max_new_tokens`", "error_type": "validation"}),
    "hf-cuda-memory": (424, {"error": "Request failed during generation: Server error: CUDA out of memory.",
                             "error_type": "generation"}),
    "hf-overloaded": (429, {"error": "Model is overloaded", "error_type": "overloaded"}),
}
# LiteLLM, LlamaIndex: OpenAI's bodies.
OPENAI = {
    "ok": (200, CHAT),
    "rate-limit": (429, groq("Rate limit reached for gpt-4o in organization org-1 on tokens per min (TPM): Limit 30000, Used 29512, "
                             "Requested 1201. Please try again in 1.426s.", "tokens", "rate_limit_exceeded")),
    "quota": (429, groq("You exceeded your current quota, please check your plan and billing details.", "insufficient_quota",
                        "insufficient_quota")),
    "too-long": (400, groq("This model's maximum context length is 128000 tokens. However, your messages resulted in 131072 tokens. "
                           "Please reduce the length of the messages.", "invalid_request_error", "context_length_exceeded")),
    "invalid-key": (401, groq("Incorrect API key provided: wor***key.", "invalid_request_error", "invalid_api_key")),
    "no-model": (404, groq("The model `gpt-9` does not exist or you do not have access to it.", "invalid_request_error",
                           "model_not_found")),
    "filtered": (400, groq("The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please "
                           "modify your prompt and retry.", None, "content_filter")),
    "server-error": (500, groq("The server had an error while processing your request. Sorry about that!", "server_error")),
    "overloaded": (503, groq("The engine is currently overloaded, please try again later", "server_error")),
    "empty": (200, empty("stop")),
}
for by in ("litellm", "llamaindex"):
    ANSWERS.update({f"{by}-{fault}": answer for fault, answer in OPENAI.items()})

HOSTS = ["api.mistral.ai", "api.cohere.com", "api.groq.com", "generativelanguage.googleapis.com", "ollama", "vllm-0",
         "router.huggingface.co", "api.openai.com"]
now = {"failure": None}


class Provider(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or "{}")
        if now["failure"].endswith("-silent"):
            time.sleep(4)
            return
        if now["failure"].endswith("-cut"):
            self.close_connection = True
            return
        status, body = ANSWERS[now["failure"]]
        time.sleep(0.03)
        sent = json.dumps({**body, "model": asked.get("model")} if "choices" in body else body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    do_GET = do_POST

    def log_message(self, *_):
        pass


def serve():
    for host in HOSTS:
        threading.Thread(target=ThreadingHTTPServer((host, 80), Provider).serve_forever, daemon=True).start()

"""concierge: FastAPI, httpx and an agent of Pydantic AI, traced by Logfire's SDK. `python app.py <part>-<fault> ...`"""

import os
import sys

from llm import main, model_of, timeout_of


def agent(fault):
    from openai import AsyncOpenAI
    from pydantic import BaseModel
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    class Forecast(BaseModel):
        city: str
        degrees: int

    address = {"refused": "https://api.openai.com:444/v1"}.get(fault)
    client = AsyncOpenAI(api_key=f"world-{fault}", base_url=address, max_retries=0, timeout=timeout_of(fault))
    model = OpenAIChatModel(model_of(fault, "gpt-4o"), provider=OpenAIProvider(openai_client=client))
    made = Agent(model, name="weather", output_type=Forecast if fault == "not-structured" else str)

    @made.tool_plain
    def get_weather(city: str) -> str:
        """Says how the weather is in a city."""
        if fault == "tool-raises":
            raise ConnectionError("weather station 7 does not answer")
        return f"sunny in {city}"

    return made.run_sync("How is the weather in Paris?").output


def partner(fault):
    import httpx

    variable = {"refused": "REFUSED", "reset": "RESET", "silent": "SILENT", "cut-body": "CUT_CHUNKED", "not-json": "HTML"}[fault]
    return str(httpx.get(os.environ[f"WORLD_BROKEN_{variable}"] + "/places", timeout=0.6).json())


def inside(fault):
    import logfire

    with logfire.span("choose a place for {guests} guests", guests=4):
        if fault == "ok":
            logfire.info("a place was chosen")
            return "Chez Paul"
        if fault == "warned":
            logfire.warn("only one place is left")
            return "Chez Paul"
        if fault == "swallowed":
            try:
                return partner("refused")
            except Exception:
                # The caller is answered all the same, without a place.
                logfire.exception("places could not be read")
                return ""
        return {}["places"]


if __name__ == "__main__":
    main(sys.argv[1:], name="concierge", traces_itself=True)
else:
    import logfire

    from llm import service

    logfire.configure(send_to_logfire=False, service_name="concierge", console=False)
    app = service({"agent": agent, "partner": partner, "inside": inside})
    logfire.instrument_fastapi(app)
    logfire.instrument_httpx()
    logfire.instrument_pydantic_ai()

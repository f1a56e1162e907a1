"""agent-api: LangGraph agents and a LangChain chain over OpenAI. `python app.py <call>-<fault> ...`"""

import sys
import time

from llm import main, model_of, service, timeout_of


def chat_model(fault, **more):
    from langchain_openai import ChatOpenAI

    address = {"refused": "https://api.openai.com:444/v1", "dns": "https://openai.internal.example/v1"}.get(fault)
    return ChatOpenAI(
        model=model_of(fault, "gpt-4o"), api_key=f"world-{fault}", base_url=address, max_retries=0, timeout=timeout_of(fault), **more
    )


def graph(fault):
    from langchain.agents import create_agent
    from langchain_core.tools import tool

    @tool
    def get_weather(city: str) -> str:
        """Says how the weather is in a city."""
        if fault == "tool-raises":
            raise ConnectionError("weather station 7 does not answer")
        if fault == "tool-slow":
            time.sleep(2)
        return f"sunny in {city}"

    agent = create_agent(chat_model(fault), [get_weather])
    asked = {"messages": [{"role": "user", "content": "How is the weather in Paris?"}]}
    return agent.invoke(asked, {"recursion_limit": 9})["messages"][-1].content


def chain(fault):
    from langchain_core.output_parsers import JsonOutputParser, StrOutputParser
    from langchain_core.prompts import ChatPromptTemplate

    prompt = ChatPromptTemplate.from_messages([("system", "Answer shortly."), ("user", "{question}")])
    parser = JsonOutputParser() if fault == "not-json" else StrOutputParser()
    key = {} if fault == "missing-variable" else {"question": "How is the weather?"}
    if fault.startswith("stream"):
        return "".join((prompt | chat_model(fault, streaming=True) | parser).stream(key))
    return str((prompt | chat_model(fault) | parser).invoke(key))


if __name__ == "__main__":
    main(sys.argv[1:], name="agent-api")
else:
    app = service({"graph": graph, "chain": chain})

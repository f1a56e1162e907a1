"""rag-api, as llm.py describes it. `python app.py <call>-<fault> ...`"""

import sys

from llm import CALLS, main, service

if __name__ == "__main__":
    main(sys.argv[1:])
else:
    app = service(CALLS)

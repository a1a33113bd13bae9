"""What workers' server loads beforehand in tests: the model with its machine code in memory.

Every worker of every pool of this process is forked from one server, so that none of them loads
the machine code again. Imported for what it does.
"""

import gc

from simulation import MarketModel
from tests.worlds import shire

SHARING = {"aggregation_threshold": 3.0, "aggregation_mandate": 1.0, "pump_priming_fund": 20.0}

MarketModel(rng=8, years=4, register=shire(), **SHARING).run()
gc.collect()

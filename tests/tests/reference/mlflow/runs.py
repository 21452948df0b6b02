"""Reads a file store with MLflow's own client: runs.py FOLDER. Prints a line of JSON for each run: its name, status, times, parameters, tags,
artifacts, and for each metric its points as [step, value, milliseconds]."""

import json
import os
import pathlib
import sys

# Newer versions want to be told that a file store is meant.
os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
from mlflow import MlflowClient  # noqa: E402

client = MlflowClient(tracking_uri=pathlib.Path(sys.argv[1]).resolve().as_uri())
for experiment in client.search_experiments():
    for run in client.search_runs([experiment.experiment_id]):
        history = {
            name: [[point.step, point.value, point.timestamp] for point in client.get_metric_history(run.info.run_id, name)]
            for name in run.data.metrics
        }
        about = {
            "experiment": experiment.name,
            "name": run.info.run_name,
            "status": run.info.status,
            "start": run.info.start_time,
            "end": run.info.end_time,
            "params": run.data.params,
            "tags": run.data.tags,
            "artifacts": [artifact.path for artifact in client.list_artifacts(run.info.run_id)],
            "metrics": history,
        }
        print(json.dumps(about))

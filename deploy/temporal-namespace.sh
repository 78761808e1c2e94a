#!/bin/sh
# Makes the namespace if it is not there. Closed workflows are kept long enough for the verifier and for replays.
set -eu
temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 720h

#!/usr/bin/env bash
# Runs `regress ci` with what action.yml was given; its exit code is the step's.
# Values come as variables, never as text in a script: a branch may be called anything.
set -euo pipefail
options=("--repo=${REGRESS_DIRECTORY:-.}" "--out=${REGRESS_OUT:-regress-report}" "--minutes=${REGRESS_MINUTES:-30}")
[ -z "${REGRESS_BASE:-}" ] || options+=("--base=$REGRESS_BASE")
[ -z "${REGRESS_EFFECT:-}" ] || options+=("--effect=$REGRESS_EFFECT")
[ -z "${REGRESS_NAME:-}" ] || options+=("--name=$REGRESS_NAME")
[ "${REGRESS_STRICT:-false}" != true ] || options+=(--strict)
[ "${REGRESS_COMMENT:-true}" != false ] || options+=(--no-comment)
[ "${REGRESS_CHECK:-false}" != true ] || options+=(--check)
exec regress ci "${options[@]}"

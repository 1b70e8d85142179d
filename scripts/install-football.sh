#!/usr/bin/env bash
# Installs Google Research Football into a virtual environment, on a bare Debian or Ubuntu; what is there already stays.
#
#   scripts/install-football.sh [VENV]
#
# Eight minutes of a processor, nearly all of it for compiling the game. VENV is .venv here by default.
set -euo pipefail

gfootball=2.10.2
# gym 0.24 and later step and reset in another way than gfootball does; 0.21, which it was made for, can't be built any more.
gym=0.23.1
venv="${1:-.venv}"
# Boost.Python comes compiled for the distribution's own Python, so the game must be compiled for that one too.
python=/usr/bin/python3
packages=(
  build-essential cmake python3-dev python3-venv
  libboost-python-dev libboost-thread-dev libboost-system-dev libboost-filesystem-dev
  libgl-dev libegl-dev libopengl-dev libsdl2-dev libsdl2-image-dev libsdl2-ttf-dev libsdl2-gfx-dev
)

command -v dpkg-query >/dev/null || { echo "this installs packages of Debian or Ubuntu, and here is no dpkg"; exit 1; }
log="$(mktemp -t install-football-XXXXXX.log)"
total=5
number=0
# step WHAT COMMAND...: one line for each; all that the command says goes to the log.
step() {
  number=$((number + 1))
  printf '[%d/%d] %s ... ' "$number" "$total" "$1"
  local start=$SECONDS
  if "${@:2}" >>"$log" 2>&1; then
    printf 'done (%d s)\n' $((SECONDS - start))
  else
    printf 'failed; the end of %s:\n' "$log"
    tail -n 20 "$log" | sed 's/^/    /'
    exit 1
  fi
}

has() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

system_packages() {
  local missing=() package
  for package in "${packages[@]}"; do has "$package" || missing+=("$package"); done
  [ ${#missing[@]} = 0 ] && return
  local root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "as root: apt-get install ${missing[*]}"; return 1; }
    root=(sudo)
  fi
  "${root[@]}" apt-get update -qq &&
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

virtual_environment() { [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"; }

# The game's build asks the environment it runs in for psutil, and gfootball imports six; it declares neither.
python_packages() { "$venv/bin/python" -m pip install setuptools wheel psutil six numpy "gym==$gym"; }

compile_game() {
  # Optimised across its files, the game plays the same, bit for bit, at 1.1 to 1.4 times the speed (docs/results/football.md).
  local flags="-fno-semantic-interposition -flto=auto"
  # The build calls `python3` and lets CMake look for a Python: both must find the right one first.
  env -u PYTHONPATH -u PYTHONHOME PATH="$(cd "$venv" && pwd)/bin:/usr/bin:/bin" CMAKE_POLICY_VERSION_MINIMUM=3.5 \
    CFLAGS="$flags" CXXFLAGS="$flags" LDFLAGS="$flags" \
    "$venv/bin/python" -m pip install --no-build-isolation --no-cache-dir "gfootball==$gfootball"
}

play() {
  "$venv/bin/python" - <<'PYTHON'
from gfootball.env import create_environment

scenario = "academy_3_vs_1_with_keeper"
env = create_environment(scenario, representation="simple115v2", number_of_left_players_agent_controls=3)
assert env.reset().shape == (3, 115)
assert env.step([5, 0, 0])[0].shape == (3, 115)
PYTHON
}

step "system packages: compiler, Boost.Python, SDL 2, OpenGL" system_packages
step "virtual environment $venv" virtual_environment
step "what the game's Python package needs" python_packages
step "Google Research Football $gfootball (compiles the game: minutes)" compile_game
step "a first step of academy_3_vs_1_with_keeper" play
rm -f "$log"
echo "to use it: export BPTA_PYTHON=$(cd "$venv" && pwd)/bin/python"

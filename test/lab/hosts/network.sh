# The lab's network: two bridges in a namespace of their own, a namespace per host, and faults. Sourced by lab.sh.
#
# br0 (BLOCK.0.0/24) is public: the controller, in the root namespace, sits on it as BLOCK.0.1.
# br1 (BLOCK.1.0/24) is private: the controller has no leg there; only b1 is on both, and it does not forward.

network_up() {
  [ -e "/run/netns/$NS" ] && return 0
  # Each systemd host takes about four inotify instances; 128, the default, ends the fleet at 31 hosts.
  sysctl -qw fs.inotify.max_user_instances=8192 fs.inotify.max_user_watches=524288 \
    net.ipv4.neigh.default.gc_thresh1=1024 net.ipv4.neigh.default.gc_thresh2=4096 \
    net.ipv4.neigh.default.gc_thresh3=8192 kernel.keys.maxkeys=2000 2>/dev/null || true
  # Nothing for the lab may leave by the machine's default route, where some gateways answer every connect:
  # without this an unreachable host looks reachable. The route stays after `down` on purpose.
  ip route replace unreachable "$BLOCK.0.0/16" metric 9000
  ip netns add "$NS"
  ip netns exec "$NS" sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.disable_ipv6=1
  ip netns exec "$NS" sysctl -qw net.bridge.bridge-nf-call-iptables=0 2>/dev/null || true
  ip -n "$NS" -batch - <<N
link set lo up
link add br0 type bridge forward_delay 0
link set br0 up
link add br1 type bridge forward_delay 0
link set br1 up
addr add $BLOCK.1.1/24 dev br1
N
  ip link add "$UPLINK" type veth peer name up0 netns "$NS"
  ip -n "$NS" link set up0 master br0 up
  ip addr add "$BLOCK.0.1/24" dev "$UPLINK"
  ip link set "$UPLINK" up
}

network_down() {
  ip link del "$UPLINK" 2>/dev/null || true
  ip netns del "$NS" 2>/dev/null || true
}

# The bridge-side ends of a host's cables.
cables_of() { if [ "$1" = b1 ]; then echo v-b1-0 v-b1-1; else echo "v-$1-0"; fi; }

wire() { # a namespace for the host, with a cable to each of its bridges
  local host=$1 ns=$NODE_NS$1 leg=0 address
  [ -e "/run/netns/$ns" ] && return 0
  read -ra address <<<"$(address_of "$host")"
  ip netns add "$ns"
  ip -n "$ns" link set lo up
  while [ ${#address[@]} -gt 0 ]; do
    ip -n "$NS" link add "v-$host-$leg" type veth peer name "eth$leg" netns "$ns"
    ip -n "$NS" link set "v-$host-$leg" master "${address[1]}" up
    ip -n "$ns" addr add "${address[0]}/24" dev "eth$leg"
    ip -n "$ns" link set "eth$leg" up
    address=("${address[@]:2}"); leg=$((leg + 1))
  done
}

drop_incoming() { # HOST MATCH: an nftables rule in the host's namespace, outside what the host itself configures
  ip netns exec "$NODE_NS$1" nft delete table inet lab_fault 2>/dev/null || true
  ip netns exec "$NODE_NS$1" nft -f - <<N
table inet lab_fault { chain in { type filter hook input priority 0; $2 drop; }; }
N
}

# net HOST down|up|loss PERCENT|rate RATE|portdrop PORT|clear
network_fault() {
  local host=$1 kind=$2 value=${3:-} cable
  case $kind in
    down | up) for cable in $(cables_of "$host"); do ip -n "$NS" link set "$cable" "$kind"; done ;;
    loss) drop_incoming "$host" "iif != lo numgen random mod 100 < ${value:?loss needs a percentage}" ;;
    portdrop) drop_incoming "$host" "tcp dport ${value:-22}" ;;
    rate)
      for cable in $(cables_of "$host"); do ip netns exec "$NS" tc qdisc replace dev "$cable" root tbf rate "${value:?rate needs a rate, such as 1mbit}" burst 16kb latency 400ms; done
      ip netns exec "$NODE_NS$host" tc qdisc replace dev eth0 root tbf rate "$value" burst 16kb latency 400ms
      ;;
    clear)
      ip netns exec "$NODE_NS$host" nft delete table inet lab_fault 2>/dev/null || true
      ip netns exec "$NODE_NS$host" tc qdisc del dev eth0 root 2>/dev/null || true
      for cable in $(cables_of "$host"); do
        ip netns exec "$NS" tc qdisc del dev "$cable" root 2>/dev/null || true
        ip -n "$NS" link set "$cable" up
      done
      ;;
    *) die "unknown network fault '$kind': down, up, loss PERCENT, rate RATE, portdrop PORT or clear" ;;
  esac
}

# forward PORT: hosts on both networks reach the controller's 127.0.0.1:PORT at BLOCK.0.1:PORT and BLOCK.1.1:PORT.
network_forward() {
  local port=$1 folder=$LAB/forwards
  mkdir -p "$folder"
  if alive "$folder/$port.pid"; then return 0; fi
  rm -f "$folder/$port.ready"
  setsid python3 "$HERE/forward.py" "$NS" "$BLOCK.0.1" "$BLOCK.1.1" "$port" "$folder/$port.ready" \
    </dev/null >"$folder/$port.log" 2>&1 8>&- &
  echo $! >"$folder/$port.pid"
  for _ in $(seq 100); do [ -f "$folder/$port.ready" ] && return 0; alive "$folder/$port.pid" || break; sleep 0.03; done
  die "port $port cannot be forwarded to the hosts: $(tail -n 1 "$folder/$port.log")"
}

forwards_down() {
  local file
  for file in "$LAB"/forwards/*.pid; do [ -f "$file" ] && alive "$file" && kill "$(cat "$file")" 2>/dev/null || true; done
}

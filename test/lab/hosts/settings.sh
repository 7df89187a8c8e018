# What every script of the lab shares: which lab this is, where its state and the images are, and which
# host name means which address, bridge and image layer. Sourced, never run.
#
# BELAY_LAB_ID      0..9: labs with different ids run side by side
# BELAY_LAB_STATE   state folder of this lab; only processes recorded there are ever signalled
# BELAY_LAB_IMAGES  images, shared by all labs and kept between them
set -euo pipefail

ID=${BELAY_LAB_ID:-0}
[[ $ID =~ ^[0-9]$ ]] || { echo "lab: BELAY_LAB_ID is '$ID'; it must be one digit, 0 to 9" >&2; exit 2; }
LAB=${BELAY_LAB_STATE:-${TMPDIR:-/tmp}/belay-lab-$ID}
# The last part is raised by whoever changes what is in the images: the old ones stay usable meanwhile.
IMAGES=${BELAY_LAB_IMAGES:-/var/lib/belay-lab}/hosts-1
# MinIO, its backup target and nginx, above the base: numbered apart, so that neither rebuilds the other.
MINIO=${BELAY_LAB_IMAGES:-/var/lib/belay-lab}/minio-1
HERE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
BLOCK=10.$((77 + ID))             # BLOCK.0.0/24 is public, BLOCK.1.0/24 is behind the bastion
NS=belay$ID                       # the network namespace that owns this lab's bridges
UPLINK=blyup$ID                   # the controller's leg on the public bridge, in the root namespace
NODE_NS=bly$ID-                   # + host name: the network namespace of one host
CGROUP=belay$ID-                  # + host name: its control group, in every hierarchy

say() { echo "lab $ID: $*" >&2; }
die() { say "$*"; exit 1; }
ms() { echo $(($(date +%s%N) / 1000000)); }

# "address bridge" or, for the bastion, "address bridge address bridge".
address_of() {
  local name=$1 number=${1##*[a-z]}
  case $name in
    minio0[1-4]) echo "$BLOCK.0.$((150 + 10#$number)) br0"; return ;;
    lb1) echo "$BLOCK.0.161 br0"; return ;;
    bk1) echo "$BLOCK.0.171 br0"; return ;;
  esac
  [[ $name =~ ^(b|h|r|v|p|e|db)[1-9][0-9]?$ ]] ||
    { say "'$name' is not a host name: b1, h1.., r1.., v1.., p1.., e1.., db1.., minio01..minio04, lb1, bk1"; return 2; }
  case $name in
    b1) echo "$BLOCK.0.10 br0 $BLOCK.1.10 br1" ;;
    h[1-9] | h[1-8][0-9]) echo "$BLOCK.0.$((10 + number)) br0" ;;
    r[1-9]) echo "$BLOCK.0.$((100 + number)) br0" ;;
    v[1-9] | v[1-3][0-9]) echo "$BLOCK.0.$((110 + number)) br0" ;;
    p[1-9] | p[1-8][0-9]) echo "$BLOCK.1.$((10 + number)) br1" ;;
    e[1-9]) echo "$BLOCK.1.$((180 + number)) br1" ;;
    db[1-9]) echo "$BLOCK.1.$((199 + number)) br1" ;;
    *) say "'$name' is beyond the last number of its kind"; return 2 ;;
  esac
}
is_private() { [[ $1 == p* || $1 == e* || $1 == db* ]]; }
# The root file system is a volume, attached as ROOT_DEVICE: it can be detached while the host is off.
has_root_volume() { [[ $1 == e* ]]; }
ROOT_DEVICE=/dev/xvda
# The small second volume /dev/xvdg at /srv/data: h1, r1, and every host whose name begins with v.
has_data_volume() { [[ $1 == h1 || $1 == r1 || $1 == v* ]]; }
is_minio_node() { [[ $1 == minio* ]]; }
# The hosts of the MinIO cluster know each other by name, as NAME.lab; minio.lab is the load balancer.
in_minio_cluster() { [[ $1 == minio* || $1 == lb1 || $1 == bk1 ]]; }
MINIO_DRIVES=4                    # per node: /dev/xvdb.. on /stg/data/data1..
# Image layers of a host, uppermost first, as overlayfs wants them.
layers_of() {
  case $1 in
    db*) echo "$IMAGES/pg:$IMAGES/base" ;;
    r*) echo "$IMAGES/rpm:$IMAGES/base" ;;
    minio* | lb1 | bk1) echo "$MINIO/layer:$IMAGES/base" ;;
    *) echo "$IMAGES/base" ;;
  esac
}

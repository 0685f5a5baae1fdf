#!/bin/bash
# A machine with real v4l2loopback devices, on a host whose own kernel has none: Debian's kernel under qemu, in software,
# with the host's own files as its root, read-only.
#
#   machine.sh prepare DIR               once: kernel, module and initial ramdisk (half a minute, 600 MB)
#   machine.sh run DIR SECONDS COMMAND   boots, runs COMMAND inside for at most so long, exits with its status
#
# Inside, /dev/video10 is labelled reenact and /dev/video11 fakecam, both made as the README says (exclusive_caps=1).
# /mnt is DIR/share, the only place that lasts; /run, /var/tmp and /dev/shm can be written to.
# Needs Debian 12, amd64, and: apt-get install qemu-system-x86 ffmpeg cpio busybox-static gcc-12 make bc kmod xz-utils libelf1
set -eu

prepare() {
  cd "$dir"
  rm -rf tree module packages && mkdir -p tree packages
  cd packages
  image=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
  version=${image#linux-image-}
  headers=linux-headers-$version
  common=$(apt-cache depends "$headers" | sed -n 's/.*Depends: \(linux-headers-.*-common\)/\1/p' | head -n 1)
  kbuild=$(apt-cache depends "$headers" | sed -n 's/.*Depends: \(linux-kbuild-.*\)/\1/p' | head -n 1)
  apt-get download -q "$image" "$headers" "$common" "$kbuild" v4l2loopback-dkms
  for package in *.deb; do dpkg -x "$package" "$dir/tree"; done
  cd "$dir"
  # the headers' Makefile names its other half by an absolute path
  sed -i "s|include /usr/src|include $dir/tree/usr/src|" "tree/usr/src/$headers/Makefile"
  cp -r tree/usr/src/v4l2loopback-* module
  make -s -C "$dir/tree/usr/src/$headers" M="$dir/module" CC=gcc-12 modules
  mkdir -p "tree/lib/modules/$version/extra"
  cp module/v4l2loopback.ko "tree/lib/modules/$version/extra/"
  depmod -b tree "$version"
  python3 - "tree/boot/vmlinuz-$version" kernel <<'PY'
import lzma, sys
packed = open(sys.argv[1], "rb").read()
start = packed.index(b"\xfd7zXZ\x00")  # the compressed kernel inside its boot image: unpacked it boots faster
open(sys.argv[2], "wb").write(lzma.LZMADecompressor().decompress(packed[start:]))
PY
  ramdisk "$version"
  rm -rf tree packages
  mkdir -p share
}

ramdisk() {
  ram=$(mktemp -d)
  mkdir -p "$ram"/{bin,dev,proc,sys,root,modules}
  cp "$(command -v busybox)" "$ram/bin/busybox"
  for name in virtio_pci 9pnet_virtio 9p v4l2loopback; do
    modprobe -d "$dir/tree" -S "$1" --show-depends $name | awk '$1 == "insmod" {print $2}'
  done | awk '!seen[$0]++' | while read -r module; do
    cp "$module" "$ram/modules/"
    strip -g "$ram/modules/${module##*/}"
    echo "${module##*/}" >>"$ram/modules/order"
  done
  cat >"$ram/init" <<'INIT'
#!/bin/busybox sh
run() { /bin/busybox "$@"; }
run mount -t proc proc /proc; run mount -t sysfs sys /sys; run mount -t devtmpfs dev /dev
for module in $(run cat /modules/order); do
  options=
  [ $module = v4l2loopback.ko ] &&
    options="devices=2 video_nr=10,11 card_label=reenact,fakecam exclusive_caps=1,1 max_buffers=4"
  run insmod /modules/$module $options
done
share="trans=virtio,version=9p2000.L,msize=524288"
run mount -t 9p -o $share,ro,cache=loose host /root
for place in run var/tmp; do run mount -t tmpfs tmp /root/$place; done
for place in proc sys dev; do run mount --move /$place /root/$place; done
run mkdir -p /root/dev/shm; run mount -t tmpfs shm /root/dev/shm
run mount -t 9p -o $share,rw,cache=none share /root/mnt
run ip link set lo up
exec /bin/busybox switch_root /root /bin/bash /mnt/.boot
INIT
  chmod +x "$ram/init"
  (cd "$ram" && find . | cpio -o -H newc --quiet | gzip -1) >ramdisk.gz
  rm -r "$ram"
}

run() {
  seconds=$1; shift
  rm -f "$dir/share/.status"
  cat >"$dir/share/.boot" <<BOOT
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/run TMPDIR=/var/tmp PYTHONDONTWRITEBYTECODE=1
cd /mnt
timeout $seconds $* 2>&1
echo \$? >/mnt/.status
sync; echo o >/proc/sysrq-trigger; sleep 60
BOOT
  # -cpu max without what software emulates slowly or not at all; no KVM: where it is, not every guest starts with it
  timeout $((seconds + 60)) qemu-system-x86_64 -M q35 -accel tcg,thread=multi -cpu max -smp 2 -m 4096 \
    -nodefaults -no-user-config -display none -serial stdio -no-reboot \
    -kernel "$dir/kernel" -initrd "$dir/ramdisk.gz" \
    -append "console=ttyS0 quiet panic=-1 mitigations=off nokaslr tsc=reliable" \
    -fsdev local,id=host,path=/,security_model=none,readonly=on,multidevs=remap -device virtio-9p-pci,fsdev=host,mount_tag=host \
    -fsdev local,id=share,path="$dir/share",security_model=none,multidevs=remap -device virtio-9p-pci,fsdev=share,mount_tag=share \
    </dev/null || true
  exit "$(cat "$dir/share/.status" 2>/dev/null || echo 99)"
}

what=${1:?prepare or run}
dir=$(mkdir -p "${2:?a folder}" && cd "$2" && pwd)
shift 2
$what "$@"

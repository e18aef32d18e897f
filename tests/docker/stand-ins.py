"""Stand-ins for what two packages download: archives of the real ones' sizes, of noise that does not compress.

    stand-ins.py TGZ ZIP     onnxruntime's libraries, 200 MB; Cypress, 170 MB
"""
import io
import os
import sys
import tarfile
import zipfile

LIBRARIES = {
    "libonnxruntime_providers_cuda.so": 180 << 20,
    "libonnxruntime_providers_shared.so": 1 << 10,
    "libonnxruntime_providers_tensorrt.so": 1 << 20,
    "libonnxruntime.so.1.21.0": 18 << 20,
}
tgz, archive = sys.argv[1:]
for path in tgz, archive:
    os.makedirs(os.path.dirname(path), exist_ok=True)
with tarfile.open(tgz, "w:gz", compresslevel=0) as tar:
    for name, size in LIBRARIES.items():
        entry = tarfile.TarInfo(f"onnxruntime-linux-x64-gpu-1.21.0/lib/{name}")
        entry.size = size
        tar.addfile(entry, io.BytesIO(os.urandom(size)))
with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
    entry = zipfile.ZipInfo("Cypress/Cypress")
    entry.external_attr = 0o100755 << 16
    file.writestr(entry, os.urandom(170 << 20))

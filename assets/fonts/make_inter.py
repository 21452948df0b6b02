"""Makes the window's fonts from Inter (Debian package fonts-inter, or any release): digits of equal width by default, and only
the letters of European languages, Greek and the signs that the window uses.

    pip install fonttools
    python make_inter.py /usr/share/fonts/opentype/inter .
"""
import sys
from pathlib import Path
from fontTools import subset
from fontTools.ttLib import TTFont

RANGES = [(0x20, 0x7E), (0xA0, 0x17F), (0x370, 0x3FF), (0x2000, 0x206F), (0x2070, 0x209C), (0x20AC, 0x20AC), (0x2190, 0x23FF),
          (0x2500, 0x27BF), (0x2B00, 0x2BFF)]


def tabular(font):
    """What `tnum` puts for each glyph."""
    gsub = font["GSUB"].table
    found = {}
    for record in gsub.FeatureList.FeatureRecord:
        if record.FeatureTag == "tnum":
            for index in record.Feature.LookupListIndex:
                for table in gsub.LookupList.Lookup[index].SubTable:
                    found.update(getattr(getattr(table, "ExtSubTable", table), "mapping", {}))
    return found

source, target = map(Path, sys.argv[1:3])
for style in ["Regular", "SemiBold"]:
    font = TTFont(source / f"Inter-{style}.otf")
    names = tabular(font)
    for table in font["cmap"].tables:
        for code, name in list(table.cmap.items()):
            if chr(code) in "0123456789+-.,:()" and name in names:
                table.cmap[code] = names[name]
    options = subset.Options(layout_features=[], name_IDs=["*"], hinting=False, notdef_outline=True)
    maker = subset.Subsetter(options)
    maker.populate(unicodes=[code for low, high in RANGES for code in range(low, high + 1)])
    maker.subset(font)
    font.save(target / f"Inter-{style}.otf")

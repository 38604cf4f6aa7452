"""How a paper form looks: black on white, A4, nothing torn over two pages, boxes that copiers keep."""

from typing import Final

STYLE: Final = """
@page { size: A4; margin: 11mm 12mm 12mm;
  @bottom-center { content: counter(page) " / " counter(pages); font-size: 8pt } }
* { box-sizing: border-box }
body { font: 9.2pt/1.28 "Noto Sans", "Noto Naskh Arabic", "Noto Sans Arabic", Arial, sans-serif; color: #000;
  max-width: 186mm; margin: 0 auto }
h1 { font-size: 13pt; margin: 0 }
h2 { font-size: 10pt; margin: 2.4mm 0 0.8mm; break-after: avoid }
.hint { font-style: italic; font-size: 92% }
.version { margin: 0 0 2mm; font-size: 8pt }
.head { display: grid; grid-template-columns: 1fr 1fr; gap: 1mm 5mm; border: 0.4mm solid #000; padding: 2mm }
.head div { break-inside: avoid }
.note { margin: 1.6mm 0; padding: 0 2.5mm; border-inline-start: 1mm solid #000 }
.ask { margin: 2mm 0 0.6mm; font-weight: 700; break-after: avoid }
.question { display: flex; gap: 2mm; margin: 1.3mm 0; break-inside: avoid }
.number { flex: none; width: 6mm; font-weight: 700; vertical-align: top }
.option { display: inline-block; margin-inline-end: 4mm }
.one, .many { display: inline-block; width: 3mm; height: 3mm; border: 0.3mm solid #000; margin-inline-end: 1.2mm;
  vertical-align: -0.3mm }
.one { border-radius: 50% }
.write { display: inline-block; width: 38mm; height: 3.6mm; border-bottom: 0.3mm solid #000 }
table { border-collapse: collapse; width: 100%; margin: 1.3mm 0 }
th { font-size: 8pt; line-height: 1.1; width: 15mm; padding: 0 0.5mm; vertical-align: bottom; font-weight: 600 }
tr { break-inside: avoid }
tbody td { border-top: 0.15mm solid #777; padding: 0.7mm 0 }
.tick { text-align: center }
.tick .one { margin: 0 }
@media screen { body { padding: 8mm 4mm } }
"""

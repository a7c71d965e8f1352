"""Texts that attack their reader: markup, scripts, formulas, control signs, sheer length."""

MARK = "privganHacked"
HOSTILE = (
    f"<script>window.{MARK}=1</script>",
    f'"><img src=x onerror="window.{MARK}=1">',
    f"<svg onload=window.{MARK}=1>",
    f"javascript:window.{MARK}=1",
    f"</style></title></textarea><script>window.{MARK}=1</script>",
    f"' onmouseover='window.{MARK}=1' autofocus onfocus='window.{MARK}=1",
    f"{{{{ 7 * 7 }}}}${{window.{MARK}=1}}",
    f"<a href='javascript:window.{MARK}=1'>click</a>",
    "<meta http-equiv=refresh content='0;url=http://evil.invalid/'>",
    '<link rel=stylesheet href="http://evil.invalid/x.css">',
    "evil\u202etxt.exe\u2066\u200f",
    "bell\x07escape\x1b[31m",
    "line\nend\r\ttab\u2028\x85",
    '=HYPERLINK("http://evil.invalid","x")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "'=1+1",
    "＝1+1",
    "\ufeffmark",
    "̴̡̀" * 50,
    "x" * 10_000,
    "W" * 60 + " " + "\u4e2d" * 300,
)

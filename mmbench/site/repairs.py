"""What is wrong in asv's own pages, piece by piece, and what stands there instead."""

from __future__ import annotations

from typing import NamedTuple


class Repair(NamedTuple):
    """A piece that a file of asv's must hold exactly once, and what takes its place."""

    name: str
    was: str
    better: str


PAGE, STYLE = "index.html", "asv.css"
LINK = 'class="navbar-link" target="_blank"'
SWALLOW = '<img src="swallow.png" width="22" height="22" alt="swallow"></img>'
BUTTON, FOCUS = ".btn-default.active {\n    border: none;\n", ".nav-list>li>a:focus {\n"
LIGHT = "    color: #fff;\n    background-color: #99bfcd;"
DARK = LIGHT.replace("#99bfcd", "#1f5f74")
BARS, GRAPHS, LABELS = "jquery.flot.orderBars.js", "graphdisplay.js", "jquery.flot.axislabels.js"
REPAIRS = (
    # With text on the x axis the ends of the axis are labels, and their difference is NaN: every bar of two or more
    # series gets lost. The width of such an axis is its number of labels; half a label's room at either end keeps the
    # outer bars from being cut.
    Repair(
        BARS,
        "pixelInXWidthEquivalent = AxeSize / gridDimSize;",
        """if (isNaN(AxeSize)) {
                AxeSize = Math.max.apply(null, $.map(plot.getData(), function(s) { return s.data.length; }));
                $.extend(plot.getXAxes()[0].options, {min: -0.5, max: AxeSize - 0.5});
            }
            pixelInXWidthEquivalent = AxeSize / gridDimSize;""",
    ),
    # Its shifts are for bars that begin at their x; asv centres its bars, which stood half a bar left of their label.
    Repair(
        BARS,
        "decallage = decallageByOrder[serie.bars.order];",
        """decallage = decallageByOrder[serie.bars.order];
                    if (serie.bars.align === 'center') decallage += serie.bars.barWidth / 2;""",
    ),
    # asv starts the axis at the least value for every unit but seconds and bytes: the least bar has no height, and
    # lines lie on the frame.
    Repair(
        GRAPHS,
        """            if (unit_list !== null) {
                if (!zoom_y_axis) {
                    options.yaxis.min = 0.0;
                    options.yaxis.max = max * 1.3;
                }
""",
        """            if (!zoom_y_axis) {
                options.yaxis.min = Math.min(0.0, min);
                options.yaxis.max = max * 1.3;
            }
            if (unit_list !== null) {
""",
    ),
    # What the model computes is published under a machine of its own, timings under theirs: no other graph exists.
    Repair(
        GRAPHS,
        """function (params) {
                    var ok = true;
                    $.each(state,""",
        """function (params) {
                    var ok = (params.machine === 'model') === /(^|\\.)track_/.test(current_benchmark);
                    $.each(state,""",
    ),
    # asv opens a series at the first values of its parameters, which the suite may skip on purpose, and with at most
    # eight of one: all designs, and the last (largest) value of everything else, which is always measured.
    Repair(
        GRAPHS,
        """                } else {
                    for (var j = 0; j < param_values.length && (j+1)*count <= max_curves; ++j) {
                        item.push(j);
                    }
                }""",
        """                } else if (param_name === 'strategy') {
                    for (var j = 0; j < param_values.length; ++j) item.push(j);
                } else {
                    item.push(param_values.length - 1);
                }""",
    ),
    # asv's list and regressions take lower for better and know no move that was meant: our page of changes takes their
    # place, also for whoever comes by an old address. And there is a way home.
    Repair(
        PAGE,
        f"""<p class="navbar-text">
            <a href="https://github.com/airspeed-velocity/asv/" {LINK}>{SWALLOW}airspeed velocity</a>
            of an unladen
            <a id="project-name" href="#" {LINK}>project</a>
          </p>
        </li>""",
        """<a href="../index.html">mmbench: the answer</a>
        </li>
        <li><a href="../changes.html">What did a commit change?</a></li>
        <li style="display: none"><a id="project-name" href="#">project</a></li>""",
    ),
    Repair(
        PAGE,
        """<li id="nav-li-" class="active"><a href="#/">Benchmark grid</a></li>
\t<li id="nav-li-summarylist"><a href="#/summarylist">Benchmark list</a></li>
\t<li id="nav-li-regressions"><a href="#/regressions">Regressions</a></li>""",
        """<li id="nav-li-" class="active"><a href="#/">Every series over commits</a></li>""",
    ),
    Repair(
        PAGE,
        """<script language="javascript" type="text/javascript"
            src="summarylist.js">
    </script>""",
        """<script>
      if (/^#\\/(summarylist|regressions)/.test(location.hash)) location.replace("../changes.html");
    </script>""",
    ),
    Repair(
        PAGE,
        """<script language="javascript" type="text/javascript"
            src="regressions.js">
    </script>""",
        "<!-- no list, no regressions -->",
    ),
    Repair(
        PAGE,
        """<link rel="alternate" type="application/atom+xml" title="Regressions" href="regressions.xml"/>""",
        "<!-- no feed -->",
    ),
    Repair(PAGE, "<html>", """<html lang="en">"""),
    # White on light blue is 2.0:1, grey on grey 4.2:1; 4.5:1 is readable (WCAG AA).
    Repair(STYLE, BUTTON + LIGHT, BUTTON + DARK),
    Repair(STYLE, FOCUS + LIGHT, FOCUS + DARK),
    Repair(
        STYLE,
        "/* Basic navigation */",
        """/* Basic navigation */

.navbar-default .navbar-nav>li>a, .navbar-default .navbar-brand { color: #33383e; }""",
    ),
    # The name of the x axis stands on the last row of the canvas, which cuts its descenders off.
    Repair(LABELS, "y = plot.getCanvas().height;", "y = plot.getCanvas().height - 4;"),
)

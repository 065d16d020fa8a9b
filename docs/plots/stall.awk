# The plot of docs/honest-load.md, from arithmetic alone: 10,000 requests a second for 10 s from 50 connections, a server
# that answers in 0.1 ms and stalls from 5 s to 6 s.
#
#   awk -f docs/plots/stall.awk > docs/plots/stall.svg

BEGIN {
    service = 0.1; rate = 10000; seconds = 10; from = 5; until = 6; connections = 50
    top = 60; bottom = 300; lowest = 80; left = 70; width = 290; gap = 100
    right = left + width + gap

    print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 790 400\" font-family=\"sans-serif\" font-size=\"13\">"
    print "<rect width=\"790\" height=\"400\" fill=\"#ffffff\"/>"
    panel(left, "how long the request of that moment waited", "seconds since the start", 0, seconds, 2)
    panel(right, "the longest fifth of all waits", "percent of requests that waited less", lowest, 100, 5)
    response_over_time()
    response_by_percentile()
    measured_from_sending()
    legend(66, "#c0392b", "response time, from the intended time: 10,000 requests waited, as 10,000 users would have")
    legend(88, "#2471a3", "service time, from the sending: 50 requests waited, one on each connection")
    print "</svg>"
}

function x_of(at, low, high, value) { return at + width * (value - low) / (high - low) }
function y_of(ms) { return bottom - (bottom - top) * ms / 1000 }

function panel(at, title, below, low, high, step,    value, x, y) {
    printf "<text x=\"%d\" y=\"%d\" font-weight=\"bold\">%s</text>\n", at, top - 20, title
    for (value = 0; value <= 1000; value += 250) {
        y = y_of(value)
        printf "<path d=\"M%d %.1fh%d\" stroke=\"#dddddd\"/>", at, y, width
        printf "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%d ms</text>\n", at - 6, y + 4, value
    }
    for (value = low; value <= high; value += step) {
        x = x_of(at, low, high, value)
        printf "<path d=\"M%.1f %dv5\" stroke=\"#555555\"/>", x, bottom
        printf "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d</text>\n", x, bottom + 20, value
    }
    printf "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", at + width / 2, bottom + 40, below
}

function line(path, colour) {
    printf "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"/>\n", path, colour
}

# The one that was due at t waits for the end of the stall; before and after it, for its answer only.
function response_over_time() {
    line(sprintf("M%.1f %.1fL%.1f %.1fL%.1f %.1fL%.1f %.1fL%.1f %.1f",
                 x_of(left, 0, seconds, 0), y_of(service), x_of(left, 0, seconds, from), y_of(service),
                 x_of(left, 0, seconds, from), y_of((until - from) * 1000 + service),
                 x_of(left, 0, seconds, until), y_of(service), x_of(left, 0, seconds, seconds), y_of(service)), "#c0392b")
}

# Of a second's requests each waits as long as no other: a straight line up to the longest.
function response_by_percentile(    quick, percent, path, p, ms) {
    quick = 100 * (1 - (until - from) / seconds)
    line(sprintf("M%.1f %.1fL%.1f %.1fL%.1f %.1f", x_of(right, lowest, 100, lowest), y_of(service),
                 x_of(right, lowest, 100, quick), y_of(service),
                 x_of(right, lowest, 100, 100), y_of((until - from) * 1000)), "#c0392b")
    for (p = 95; p <= 99; p += 4) {
        ms = 1000 * (until - from) * (p - quick) / (100 - quick)
        printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"#c0392b\"/>", x_of(right, lowest, 100, p), y_of(ms)
        printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">p%d %d ms</text>\n", x_of(right, lowest, 100, p) - 9, y_of(ms) + 4, p, ms
    }
}

# One request on each connection is under way when the stall begins; nothing more is sent until it ends.
function measured_from_sending(    slow) {
    slow = 100 * connections / (rate * seconds)
    line(sprintf("M%.1f %.1fL%.1f %.1fL%.1f %.1fL%.1f %.1fL%.1f %.1f",
                 x_of(left, 0, seconds, 0), y_of(service) - 2, x_of(left, 0, seconds, from) - 2, y_of(service) - 2,
                 x_of(left, 0, seconds, from) - 2, y_of((until - from) * 1000), x_of(left, 0, seconds, from) - 2,
                 y_of(service) - 2, x_of(left, 0, seconds, seconds), y_of(service) - 2), "#2471a3")
    line(sprintf("M%.1f %.1fL%.1f %.1fL%.1f %.1f", x_of(right, lowest, 100, lowest), y_of(service) - 2,
                 x_of(right, lowest, 100, 100 - slow) + 2, y_of(service) - 2,
                 x_of(right, lowest, 100, 100) + 2, y_of((until - from) * 1000)), "#2471a3")
}

function legend(below, colour, text) {
    printf "<path d=\"M%d %dh24\" stroke=\"%s\" stroke-width=\"2\"/>", left, bottom + below, colour
    printf "<text x=\"%d\" y=\"%d\">%s</text>\n", left + 32, bottom + below + 4, text
}

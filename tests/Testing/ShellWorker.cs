namespace Gristmill.Testing;

/// <summary>A worker that every machine can run.</summary>
public static class ShellWorker
{
    /// <summary>A program for sh: completes each job, without a result.</summary>
    public const string Program =
        """
        read -r hello
        echo '{"type":"ready","protocol":1}'
        while read -r line; do
          case $line in
            *'"type":"job"'*) echo "{\"type\":\"result\",\"id\":$(printf %s "$line" | sed 's/.*"id":\([0-9]*\).*/\1/')}" ;;
            *'"type":"stop"'*) exit 0 ;;
          esac
        done
        """;
}

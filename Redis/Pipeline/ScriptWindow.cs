namespace Gristmill.Redis;

/// <summary>
/// Decides whether a script call goes by hash or with its body, so that script calls keep their order whenever the server
/// loses its scripts. Used under the lock of <see cref="CommandQueue"/>.
/// Calls in flight are all of one kind. After calls with bodies, one SCRIPT EXISTS over all scripts in use must find them all
/// at one moment before any goes by hash. From then on nothing of this client loads a single script, so a loss makes every
/// later call by hash fail with NOSCRIPT: none can overtake another. (Garnet keeps what EVAL loads to the connection; there
/// the answer is about this connection, which is what counts.)
/// </summary>
internal sealed class ScriptWindow
{
    private readonly HashSet<RedisScript> _answered = [];
    private bool _byHash;
    private bool _checking;
    private int _inFlight;

    /// <summary>Whether a command may join what is in flight; if not, perhaps a check that is to go first.</summary>
    public bool MayGo(PendingCommand command, out PendingCommand? check)
    {
        check = null;
        if (command.Script is not { } script)
        {
            return true;
        }

        if (_checking)
        {
            return false;
        }

        var withBody = !_answered.Contains(script);
        if (_inFlight > 0 && withBody == _byHash)
        {
            return false;
        }

        if (!withBody && !_byHash)
        {
            check = Check(command.Deadline);
            return false;
        }

        _byHash = !withBody;
        _inFlight++;
        command.WithBody = withBody;
        return true;
    }

    /// <summary>Takes note of a reply. True when commands that had to wait may go.</summary>
    public bool Landed(PendingCommand command, RedisReply reply)
    {
        if (command.IsScriptCheck)
        {
            _checking = false;
            Checked(reply);
            return true;
        }

        if (command.Script is not { } script)
        {
            return false;
        }

        if (command.WithBody)
        {
            _answered.Add(script);
        }

        return --_inFlight == 0;
    }

    /// <summary>The server may know no scripts at all.</summary>
    public void Reset()
    {
        _answered.Clear();
        _byHash = false;
        _checking = false;
        _inFlight = 0;
    }

    private PendingCommand Check(long deadline)
    {
        _checking = true;
        var arguments = new ArgumentBuffer();
        arguments.Add("SCRIPT"u8);
        arguments.Add("EXISTS"u8);
        foreach (var script in _answered)
        {
            arguments.Add(script.Sha1Bytes);
        }

        return new PendingCommand("SCRIPT", arguments, null, 0, deadline) { IsScriptCheck = true };
    }

    /// <summary>A server that may not be asked is taken to have them: calls then fail over to bodies when it has not.</summary>
    private void Checked(RedisReply reply)
    {
        _byHash = !reply.IsAggregate;
        if (_byHash)
        {
            return;
        }

        foreach (var found in reply.Items)
        {
            if (found.Kind != RedisReplyKind.Integer || found.AsInteger() != 1)
            {
                _answered.Clear();
                return;
            }
        }

        _byHash = true;
    }
}

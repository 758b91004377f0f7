//! Suites that are made for the occasion.

use std::path::Path;
use std::{fs, io};

/// `files` files of 48 small tests: functions, parameters, fixtures of two scopes, a class.
pub(super) fn small_files(directory: &Path, files: usize) -> io::Result<()> {
    let mut text = String::from(
        "import pytest, json, math\n\n\
         @pytest.fixture\ndef data(): return {'a': 1, 'b': [1, 2, 3]}\n\n\
         @pytest.fixture(scope='module')\ndef mod(): return list(range(100))\n\n",
    );
    let all = |numbers: std::ops::Range<u32>, test: fn(u32) -> String| numbers.map(test).collect::<String>();
    text += &all(0..12, |number| format!("def test_simple_{number}():\n    assert {number} + 1 == {}\n\n", number + 1));
    text += "@pytest.mark.parametrize('x', range(10))\ndef test_param(x):\n    assert math.sqrt(x * x) == x\n\n\
             @pytest.mark.parametrize('x', range(10))\ndef test_param2(x, data):\n    \
             assert json.loads(json.dumps(data))['a'] == 1\n\n";
    text += &all(0..6, |number| {
        format!("def test_fix_{number}(data, mod):\n    assert data['a'] == 1 and len(mod) == 100\n\n")
    });
    text += "class TestC:\n";
    text +=
        &all(0..10, |number| format!("    def test_m_{number}(self, data):\n        assert sum(data['b']) == 6\n\n"));
    (0..files).try_for_each(|file| fs::write(directory.join(format!("test_suite_{file:03}.py")), &text))
}

/// `files` files of `tests` tests that do next to nothing.
pub(super) fn many_files(directory: &Path, files: usize, tests: usize) -> io::Result<()> {
    (0..files).try_for_each(|file| {
        let body = |test| format!("def test_{test}():\n    assert {test} + {file} == {}\n\n", test + file);
        let text: String = (0..tests).map(body).collect();
        fs::write(directory.join(format!("test_file_{file:03}.py")), text)
    })
}

/// An application whose modules import what is slow to import, and a test of each.
pub(super) fn imports(directory: &Path) -> io::Result<()> {
    for (path, text) in [
        ("conftest.py", "import pytest\n\n\n@pytest.fixture\ndef numbers():\n    return [1, 2, 3]\n"),
        ("app/__init__.py", ""),
        (
            "app/frames.py",
            "import pandas\n\n\ndef total(numbers):\n    return int(pandas.DataFrame({'n': numbers})['n'].sum())\n",
        ),
        (
            "app/database.py",
            "import sqlalchemy\n\n\ndef one():\n    with sqlalchemy.create_engine('sqlite://').connect() as connection:\n        \
             return connection.execute(sqlalchemy.text('select 1')).scalar()\n",
        ),
        (
            "app/web.py",
            "import django.db.models\nimport fastapi\nimport pydantic\n\napplication = fastapi.FastAPI()\n\n\n\
             class Item(pydantic.BaseModel):\n    name: str\n\n\n@application.get('/')\ndef root() -> Item:\n    return Item(name='root')\n",
        ),
        (
            "tests/test_app.py",
            "from app import database, frames, web\n\n\ndef test_total(numbers):\n    assert frames.total(numbers) == 6\n\n\n\
             def test_one():\n    assert database.one() == 1\n\n\ndef test_root():\n    assert web.root().name == 'root'\n",
        ),
    ] {
        let path = directory.join(path);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(path, text)?;
    }
    Ok(())
}
